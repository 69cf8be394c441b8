import assert from "node:assert/strict";
import type { CertificateListTarget, CertificateTarget } from "../../../../lib/loaded/targets.ts";
import { type Content, impossible } from "../../../../lib/hot_apply/kinds/target_kind.ts";
import { sha256 } from "../../../../lib/system/files/contents.ts";
import { Authority } from "../../../support/certificates.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { plan } from "../applied.ts";

/** A list of certificates in a folder, of which the process has those that are named. */
class Scene extends TempFolder {
  readonly authority = new Authority(this.at("ca"));
  readonly known = new Map<string, CertificateTarget>();
  readonly files: Map<string, { content: string; modifiedMs: number; stamp: string }> = new Map();

  async add(name: string, { isKnown = true, of = name } = {}): Promise<void> {
    const path = this.write(`${name}.pem`, this.authority.issue({ name: `${of}.test` }).pem);
    const content = await sha256(Deno.readFileSync(path));
    this.files.set(path, { content, modifiedMs: 0, stamp: "" });
    const rest = { name: path, keyPath: `${path}.key`, isMember: false };
    if (isKnown) this.known.set(path, { tag: "certificate", path, ...rest });
  }

  /** Lines such as `a x.test`. */
  text(lines: readonly string[]): string {
    return lines.map((line) => `${line.replace(/^\w+/, (name) => this.at(`${name}.pem`))}\n`).join(
      "",
    );
  }

  /** Whether the process can be given these lines, or why not, without the folder. */
  async planned(
    before: readonly string[],
    after: readonly string[],
    more: Partial<CertificateListTarget> = {},
  ): Promise<string> {
    const target: CertificateListTarget = {
      tag: "certificate_list",
      path: this.at("list"),
      name: "list",
      replacesCrt: false,
      text: this.text(before),
      companions: [],
      unused: [],
      claimed: [],
      known: this.known,
      bases: { crt: null, key: null, ca: null, directory: this.path },
      ...more,
    };
    const read: Content["read"] = ({ path }) => {
      if (!this.files.has(path)) return Promise.resolve(impossible("there is no such file"));
      const text = Deno.readTextFileSync(path);
      return Promise.resolve({ text, key: null, texts: [text], files: this.files, read });
    };
    const found = await plan(target, this.text(after), { files: this.files, read });
    if (found.tag === "ready" || found.tag === "changed_again") return found.tag;
    return found.reason.replaceAll(`${this.path}/`, "");
  }
}

Deno.test("a certificate may be in the process, or only on the disk", async () => {
  await using scene = new Scene();
  for (const name of ["d", "a", "b"]) await scene.add(name);
  await scene.add("c", { isKnown: false });
  assert.equal(await scene.planned(["d", "a"], ["d", "b", "c"]), "ready");
  assert.match(await scene.planned(["d", "a"], ["d", "a", "missing"]), /not known/);
  assert.equal(
    await scene.planned(["d"], ["d", "missing x.test"]),
    '"missing.pem": there is no such file',
  );
});

Deno.test("its names are those of the filters, or of the file as it is now", async () => {
  await using scene = new Scene();
  for (const name of ["d", "a"]) await scene.add(name);
  await scene.add("c", { isKnown: false, of: "a" });
  assert.equal(
    await scene.planned(["d", "a"], ["d", "a", "c"]),
    '"c.pem" is new, and "a.pem" is for "a.test" as well',
  );
  assert.equal(await scene.planned(["d", "a"], ["d", "a", "c x.test"]), "ready");
  assert.equal(await scene.planned(["d", "a x.test"], ["d", "a x.test", "c"]), "ready");
  assert.equal(await scene.planned(["d", "a"], ["d", "c"]), "ready");
});

Deno.test("the names of what stands beside the list count as well", async () => {
  await using scene = new Scene();
  for (const name of ["d", "a", "b"]) await scene.add(name);
  const companions = [scene.at("b.pem")];
  assert.match(
    await scene.planned(["d"], ["d", "a b.test"], { companions }),
    /another certificate/,
  );
  assert.equal(await scene.planned(["d"], ["d", "a"], { companions }), "ready");
  assert.match(await scene.planned(["d"], ["d", "a"], { companions: ["/dir"] }), /not known/);
  // Nothing comes, so no order matters.
  assert.equal(await scene.planned(["d", "a"], ["d"], { companions: ["/dir"] }), "ready");
});

Deno.test("a file that comes or goes at the same time must be one of its certificates", async () => {
  await using scene = new Scene();
  for (const name of ["d", "a"]) await scene.add(name);
  await scene.add("c", { isKnown: false });
  const claiming = (...claimed: readonly string[]) => ({
    claimed: claimed.map((one) => scene.at(one)),
  });
  const edit = [["d", "a"], ["d", "c"]] as const;
  scene.files.delete(scene.at("a.pem"));
  assert.equal(
    await scene.planned(...edit, claiming("c.pem", "c.pem.key", "a.pem", "a.pem.ocsp")),
    "ready",
  );
  assert.equal(await scene.planned(...edit, claiming("e.pem")), '"e.pem" is gone as well');
  await scene.add("e", { isKnown: false });
  assert.equal(await scene.planned(...edit, claiming("e.pem")), '"e.pem" is new as well');
  assert.equal(await scene.planned(["d"], ["d"], claiming("a.pem")), '"a.pem" is gone as well');
});

Deno.test("what HAProxy loads in another way than by this line requires a reload", async () => {
  await using scene = new Scene();
  await scene.add("d");
  const rsa = `${scene.at("x.pem.rsa")} x.test`;
  assert.match(await scene.planned(["d"], ["d", rsa]), /loaded in another way/);
  assert.match(await scene.planned(["d"], ["d", "@store/x x.test"]), /loaded in another way/);
  assert.match(await scene.planned(["d"], ["d # x"]), /may read its lines in another way/);
});
