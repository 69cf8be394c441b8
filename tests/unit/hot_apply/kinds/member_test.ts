import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { planAddition, planRemoval } from "../../../../lib/hot_apply/kinds/member.ts";
import type { ChangedAgain, Plan, Result } from "../../../../lib/hot_apply/kinds/target_kind.ts";
import type { TargetOf } from "../../../../lib/loaded/targets.ts";
import { NOTHING_BESIDE } from "../../../../lib/hot_apply/kinds/tls_apply.ts";
import { Authority } from "../../../support/certificates.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const PATH = "/certs/x.pem";
const TARGET: TargetOf<"certificate"> = {
  tag: "certificate" as const,
  path: PATH,
  name: "certs/x.pem",
  keyPath: "/certs/x.pem.key",
  isMember: true,
  list: "certs",
};

const pair = await (async () => {
  await using folder = new TempFolder();
  return new Authority(folder.at("ca")).issue({ name: "x.test" });
})();
const certificate = new X509Certificate(pair.certificate);

/** What HAProxy's commands do, as far as they are used; one of them may be refused, or not answered from then on. */
class Store {
  readonly commands: string[] = [];
  readonly certificates: Set<string>;
  readonly list: Set<string>;
  readonly #fault: { readonly verb: string; readonly kind: "refused" | "lost" } | null;
  #isLost = false;

  constructor(loaded: readonly string[], fault: Store["fault"] = null) {
    this.certificates = new Set(loaded);
    this.list = new Set(loaded);
    this.#fault = fault;
  }

  get fault() {
    return this.#fault;
  }

  readonly ask = (command: string): Promise<string | null> => {
    const verb = command.split(" ", 3).join(" ");
    if (!command.startsWith("show")) this.commands.push(verb);
    if (verb === this.#fault?.verb && this.#fault.kind === "lost") this.#isLost = true;
    if (this.#isLost) return Promise.resolve(null);
    if (verb === this.#fault?.verb) return Promise.resolve("Permission denied\n");
    return Promise.resolve(this.#carryOut(verb, command.split(/[ \n]/)));
  };

  #carryOut(verb: string, words: readonly string[]): string {
    const [name, listed] = [words[3] ?? "", words[4] ?? ""];
    switch (verb) {
      case "new ssl cert":
        this.certificates.add(name);
        return `New empty certificate store '${name}'!\n\n`;
      case "set ssl cert":
        return `Transaction created for certificate ${name}!\n\n`;
      case "commit ssl cert":
        return "Success!\n";
      case "add ssl crt-list":
        this.list.add(listed);
        return "Inserting\nSuccess!\n";
      case "del ssl crt-list":
        return this.list.delete(listed)
          ? `Entry '${listed}' deleted in crtlist 'certs'!\n`
          : "Can't delete the entry: not found!\n";
      case "del ssl cert":
        if (this.list.has(name)) return "Can't delete: in use!\n";
        this.certificates.delete(name);
        return `Certificate '${name}' deleted!\n`;
      case "show ssl crt-list":
        return `# certs\n${[...this.list].join("\n")}\n`;
      default:
        return name === ""
          ? `# filename\n${[...this.certificates].join("\n")}\n`
          : `SHA1 FingerPrint: ${certificate.fingerprint.replaceAll(":", "")}\n`;
    }
  }
}

const apply = async (plan: Plan, { ask }: Store): Promise<Result | ChangedAgain> =>
  plan.tag === "ready" ? await plan.apply(ask) : plan;

const added = () =>
  planAddition({ ...TARGET, besides: [] }, { tag: "read", certificate, pem: pair.pem }, {
    files: new Map(),
    detail: "expires soon",
    beside: NOTHING_BESIDE,
  });

Deno.test("a new certificate is filled, listed and read back", async () => {
  const store = new Store(["certs/a.pem"]);
  assert.deepEqual(await apply(await added(), store), {
    tag: "applied",
    detail: "expires soon",
    how: "added",
    after: TARGET,
  });
  assert.deepEqual([...store.list], ["certs/a.pem", "certs/x.pem"]);
  assert.deepEqual(store.commands, [
    ...["new ssl cert", "set ssl cert", "commit ssl cert", "add ssl crt-list"],
  ]);
});

for (const verb of ["new ssl cert", "set ssl cert", "commit ssl cert", "add ssl crt-list"]) {
  Deno.test(`nothing is left of it where "${verb}" is refused`, async () => {
    const store = new Store(["certs/a.pem"], { verb, kind: "refused" });
    assert.deepEqual(await apply(await added(), store), {
      tag: "impossible",
      reason: 'HAProxy says "Permission denied"',
    });
    assert.deepEqual([[...store.list], [...store.certificates]], [["certs/a.pem"], [
      "certs/a.pem",
    ]]);
  });

  Deno.test(`nobody knows what is left of it where "${verb}" is not answered`, async () => {
    const store = new Store(["certs/a.pem"], { verb, kind: "lost" });
    assert.equal((await apply(await added(), store)).tag, "unconfirmed");
  });
}

Deno.test("one that HAProxy does not show as it is, is taken back", async () => {
  const store = new Store([]);
  const shown = async (command: string) =>
    command === "show ssl cert certs/x.pem" ? "SHA1 FingerPrint: 00\n" : await store.ask(command);
  const plan = await added();
  const result = plan.tag === "ready" ? await plan.apply(shown) : plan;
  assert.deepEqual(result, {
    tag: "impossible",
    reason: "HAProxy shows something else after the change",
  });
  assert.deepEqual([...store.certificates], []);
});

const OTHER = new Map([["/certs/a.pem", { content: "a", modifiedMs: 0, stamp: "" }]]);

Deno.test("a certificate that goes is taken from the list and deleted", async () => {
  const store = new Store(["certs/a.pem", "certs/x.pem"]);
  assert.deepEqual(await apply(planRemoval(TARGET, OTHER), store), {
    tag: "applied",
    detail: "its file is gone",
    how: "removed",
    after: TARGET,
  });
  assert.deepEqual([[...store.list], [...store.certificates]], [["certs/a.pem"], ["certs/a.pem"]]);
});

for (
  const [verb, kind, tag] of [
    ["del ssl crt-list", "refused", "impossible"],
    ["del ssl crt-list", "lost", "unconfirmed"],
    ["del ssl cert", "refused", "unconfirmed"],
    ["del ssl cert", "lost", "unconfirmed"],
  ] as const
) {
  Deno.test(`it takes a reload where "${verb}" is ${kind}`, async () => {
    const store = new Store(["certs/a.pem", "certs/x.pem"], { verb, kind });
    assert.equal((await apply(planRemoval(TARGET, OTHER), store)).tag, tag);
  });
}

Deno.test("the last one of its directory stays, and so does one whose directory has no list", () => {
  const side = new Map([["/certs/x.pem.key", OTHER.get("/certs/a.pem")!]]);
  assert.deepEqual(planRemoval(TARGET, side), {
    tag: "impossible",
    reason: "it was removed, as the last of its directory",
  });
  const { list: _, ...unlisted } = TARGET;
  assert.deepEqual(planRemoval(unlisted, OTHER), { tag: "impossible", reason: "it was removed" });
});
