/** Where the certificates that HAProxy obtains itself are saved, and what is said where they cannot be. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "@std/path";
import { saveCertificate } from "../../../lib/obtained/save.ts";
import { KNOWS_ACME, OBTAINS } from "../../support/surroundings/acme_server.ts";
import { Authority, type Pair } from "../../support/certificates.ts";
import { namesIn, readIfThere } from "../../support/machine/files.ts";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { accountKey, NEEDS_FILE, Obtaining } from "../../support/wrapper/obtaining.ts";
import { BY_EVENTS, IN_ONE_FORM, RUNNABLE } from "../../support/wrapper/program.ts";
import { Secured } from "../../support/wrapper/secured.ts";
import { servedTo } from "../../support/clients/tls_client.ts";
import { Volume } from "../../support/surroundings/volume.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const NEEDS = [RUNNABLE, IN_ONE_FORM, ...OBTAINS];

/** Three certificates of two sections: one has its key in a file of its own, and one is behind a link and `..`. */
class Several extends Obtaining {
  readonly crt = join(this.folder, "key test.crt");
  readonly key = join(this.folder, "key test.key");
  readonly other = this.at("elsewhere/other.pem");

  override obtaining(text: string): string {
    const line = `    load crt ${this.pem} acme letsencrypt domains site.test\n`;
    const section = `acme elliptic
    directory ${this.server.directory}
    account-key ${this.at("other.key")}
    challenge http-01
    map virt@acme
    keytype ECDSA
    curves P-384

crt-store
`;
    const lines =
      `    load crt "${this.crt}" key "${this.key}" alias key acme elliptic domains key.test
    load crt ${this.folder}/link/../other.pem alias other acme elliptic domains other.test,another.test
`;
    const example = super.obtaining(text);
    assert.ok(example.includes(line));
    return example.replace("crt-store\n", section).replace(line, line + lines)
      .replace(`ssl crt ${this.pem}`, `ssl crt ${this.pem} crt @/key crt @/other`);
  }

  override async prepare(): Promise<this> {
    await super.prepare({ chainLength: 3 });
    Deno.mkdirSync(this.at("elsewhere/deep"), { recursive: true });
    Deno.symlinkSync("../elsewhere/deep", join(this.folder, "link"));
    Deno.writeTextFileSync(this.at("other.key"), accountKey(), { mode: 0o600 });
    if (NEEDS_FILE) {
      const { pem, certificate, key } = this.expired();
      Deno.writeTextFileSync(this.other, pem);
      Deno.writeTextFileSync(this.crt, certificate);
      Deno.writeTextFileSync(this.key, key);
    }
    return this;
  }

  async servesTo(servername: string, path: string, wrapper: Wrapper): Promise<X509Certificate> {
    const saved = new X509Certificate(Deno.readTextFileSync(path));
    await wrapper.until(
      `the certificate of ${servername}`,
      async () => await servedTo(this.tlsPort, { servername }) === saved.fingerprint256,
    );
    return saved;
  }
}

testNeeding(
  NEEDS,
  "several certificates are saved, of other kinds of keys, with their chains, and with a key file",
  async () => {
    await using workspace = await new Several().prepare();
    const wrapper = await workspace.serveObtaining();
    await workspace.haveBeenSaved(3, wrapper);
    const { crt, key, pem, other, folder } = workspace;
    assert.deepEqual(namesIn(folder), ["key test.crt", "key test.key", "link", "site.pem"]);
    for (const path of [pem, other, crt]) {
      const text = Deno.readTextFileSync(path);
      assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 4, path);
      assert.equal(/PRIVATE KEY/.test(text), path !== crt);
    }
    assert.match(
      Deno.readTextFileSync(key),
      /^-----BEGIN [A-Z ]*PRIVATE KEY-----\n[^-]+-----END [A-Z ]*PRIVATE KEY-----\n$/,
    );
    assert.equal(Deno.statSync(key).mode! & 0o777, 0o600);
    const { subjectAltName } = await workspace.servesTo("another.test", other, wrapper);
    assert.match(
      subjectAltName!,
      /DNS:another\.test, DNS:other\.test|DNS:other\.test, DNS:another\.test/,
    );
    const first = await workspace.servesTo("key.test", crt, wrapper);
    assert.equal(first.publicKey.asymmetricKeyType, "ec");

    await workspace.replace(workspace.obtaining("two"));
    await workspace.serves("two", wrapper);
    await workspace.servesTo("key.test", crt, wrapper);
    await wrapper.stopsAt(2);
    await workspace.askPrivately("acme renew @/key", 2);
    await workspace.haveBeenSaved(4, wrapper);
    const renewed = await workspace.servesTo("key.test", crt, wrapper);
    assert.notEqual(renewed.fingerprint256, first.fingerprint256);
    await wrapper.stopsAt(2);
    assert.doesNotMatch(wrapper.lines.join("\n"), /without a reload/);
    wrapper.signal("SIGTERM");
    await wrapper.endsWith(143);

    // As if the wrapper had been killed between the two renames.
    const text = Deno.readTextFileSync(crt);
    Deno.writeTextFileSync(join(folder, ".key test.crt.part"), text, { mode: 0o600 });
    Deno.writeTextFileSync(crt, workspace.expired().certificate);
    const next = await workspace.serveObtaining();
    await next.says(/info .*key test\.crt" is in place now: a killed wrapper had saved only/);
    await workspace.servesTo("key.test", crt, next);
    assert.equal(Deno.readTextFileSync(crt), text);
    assert.equal(namesIn(folder).length, 4);
    assert.equal(workspace.server.orders, 4);
  },
);

const UNWRITABLE: Readonly<Record<string, { mount: (folder: string) => string; reason: string }>> =
  {
    "a read-only folder": {
      mount: (folder) => `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`,
      reason: "Read-only file system",
    },
    "a full disk": {
      mount: (folder) =>
        `cp -r ${folder} ${folder}.copy && mount -t tmpfs -o size=64k none ${folder} &&
      cp -r ${folder}.copy/. ${folder} && { cat /dev/zero > ${folder}/fill 2>/dev/null || true; }`,
      reason: "No space left on device",
    },
  };

for (const [what, { mount, reason }] of Object.entries(UNWRITABLE)) {
  testNeeding([...NEEDS, ROOT], `${what} has one line, and the metric is right`, async () => {
    await using workspace = await new Obtaining().prepare();
    const before = namesIn(workspace.folder);
    const script = `${mount(workspace.folder)} && exec "$@"`;
    const wrapper = await workspace.serveObtaining([
      "unshare",
      "--mount",
      "sh",
      "-c",
      script,
      "sh",
    ]);
    await wrapper.says(
      `error .* cannot save the certificate that generation 1 obtained in ".*site\\.pem": ${reason}`,
    );
    const status = await workspace.askPrivately("acme status");
    const expires = /site\.pem\t\w+\tScheduled\t(\S+)/.exec(status)![1]!;
    const name = `certificate_expiry_seconds{file="${workspace.pem}"}`;
    await workspace.measures(name, Date.parse(expires) / 1_000, wrapper);
    assert.ok(Date.parse(expires) > Date.now());
    assert.equal(wrapper.output.match(/cannot save/g)?.length, 1, wrapper.output);
    const names = namesIn(`/proc/${wrapper.child.pid}/root${workspace.folder}`);
    assert.deepEqual(names.filter((name) => name !== "fill"), before);
  });
}

/** A configuration and one certificate in volumes of the kubelet, another certificate in an `emptyDir`. */
class Mounted extends Obtaining {
  readonly volume = new Volume(this.at("volume"));
  readonly secret = join(this.volume.path, "secret.pem");

  override obtaining(text: string): string {
    const line = `    load crt ${this.pem} acme letsencrypt domains site.test\n`;
    const other = `    load crt ${this.secret} acme letsencrypt domains secret.test\n`;
    return super.obtaining(text).replace(line, line + other);
  }

  async writeVolume(text: string, { pem }: Pair): Promise<void> {
    await this.volume.write({ "haproxy.cfg": this.obtaining(text), "secret.pem": pem });
  }
}

testNeeding(
  [...NEEDS, ROOT],
  "nothing is written into a volume of the kubelet, and a line says where it could be",
  async () => {
    await using workspace = await new Mounted().prepare();
    const { folder, volume: { path: volume }, pem } = workspace;
    const secret = workspace.expired();
    await workspace.writeVolume("one", secret);
    const script = `mount --bind ${volume} ${volume} && mount -o remount,ro,bind ${volume} &&
      cp -r ${folder} ${folder}.copy && mount -t tmpfs -o mode=0777 none ${folder} &&
      cp -r ${folder}.copy/. ${folder} && exec "$@"`;
    const wrapper = await workspace.serve({
      args: ["-f", join(volume, "haproxy.cfg"), ...BY_EVENTS],
      launcher: ["unshare", "--mount", "sh", "-c", script, "sh"],
    });
    await wrapper.says(
      /error .*obtained in ".*\/secret\.pem": it lies in a volume of Kubernetes .* below "\/run", "\/var\/lib\/haproxy" or "\/tmp"/,
    );
    await workspace.haveBeenSaved(1, wrapper);
    const text = Deno.readTextFileSync(`/proc/${wrapper.child.pid}/root${pem}`);
    const { fingerprint256 } = new X509Certificate(text);
    await wrapper.until(
      "the saved certificate",
      async () => await servedTo(workspace.tlsPort) === fingerprint256,
    );
    assert.equal(readIfThere(workspace.secret), secret.pem);
    const [data, config] = [join(volume, "..data"), "haproxy.cfg"];
    assert.deepEqual(namesIn(data), [config, "secret.pem"]);
    await workspace.writeVolume("two", secret);
    await workspace.serves("two", wrapper);
    await wrapper.until(
      "the saved certificate",
      async () => await servedTo(workspace.tlsPort) === fingerprint256,
    );
    assert.equal(wrapper.output.match(/error .*cannot save/g)?.length, 1, wrapper.output);
  },
);

/** What HAProxy shows of certificates that have more than its buffer holds. */
testNeeding(
  [RUNNABLE, IN_ONE_FORM, KNOWS_ACME],
  "a chain of 100 is saved whole, and half a certificate not at all",
  async () => {
    await using workspace = new Secured();
    const { certificate, key } = workspace.authority.issue();
    const chain = Array.from(
      { length: 100 },
      (_, index) => new Authority(workspace.at(`ca-${index}`), `Intermediate ${index}`).certificate,
    ).join("");
    workspace.write("site.pem", certificate + chain + key);
    workspace.write("large.pem", withNames(workspace, 400));
    await workspace.serveSecure(
      workspace.securePage({ bind: `crt ${workspace.pem} crt ${workspace.at("large.pem")}` }),
    );
    const save = async (name: string, path: string) =>
      await saveCertificate(await workspace.askPrivately(`dump ssl cert ${workspace.at(name)}`), {
        path,
        keyPath: null,
        name: path,
        file: "",
        line: 0,
      }, {
        files: [],
        loaded: new Map([[path, "missing"]]),
        replace: (rename) => Promise.resolve(rename()),
      });
    const saved = workspace.at("saved.pem");
    assert.equal((await save("site.pem", saved)).tag, "saved");
    const text = Deno.readTextFileSync(saved);
    assert.ok(text.startsWith(certificate + chain), text);
    assert.deepEqual(await save("large.pem", workspace.at("half.pem")), {
      tag: "refused",
      reason: "HAProxy does not show all of it",
    });
  },
);

/** A certificate for many names, with its key. */
function withNames(workspace: Secured, count: number): string {
  const names = Array.from(
    { length: count },
    (_, index) => `DNS:a-host-with-a-long-name-${index}.of-a-department.of-a-company.example.com`,
  );
  const [certificate, key] = ["large.crt", "large.key"].map((name) => workspace.at(name)) as [
    string,
    string,
  ];
  const { success } = new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=large", "-days", "30"],
      ...["-addext", `subjectAltName=${names}`, "-out", certificate, "-keyout", key],
    ],
    stderr: "null",
  }).outputSync();
  assert.ok(success);
  return Deno.readTextFileSync(certificate) + Deno.readTextFileSync(key);
}
