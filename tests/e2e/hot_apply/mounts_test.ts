/** Files mounted by Kubernetes, such as those of cert-manager, and files behind links. */
import assert from "node:assert/strict";
import type { Pair } from "../../support/certificates.ts";
import { programTest } from "../../support/wrapper/program.ts";
import { Secured, withoutReload } from "../../support/wrapper/secured.ts";
import { Volume } from "../../support/surroundings/volume.ts";

const MOUNTS = [
  {
    form: "tls.crt and tls.key, with ssl-load-extra-del-ext",
    named: "tls.crt",
    global: "ssl-load-extra-del-ext",
    keys: ({ certificate, key }: Pair) => ({ "tls.crt": certificate, "tls.key": key }),
  },
  {
    form: "tls.crt and tls.crt.key",
    named: "tls.crt",
    global: "",
    keys: ({ certificate, key }: Pair) => ({ "tls.crt": certificate, "tls.crt.key": key }),
  },
  {
    form: "one PEM",
    named: "tls-combined.pem",
    global: "",
    keys: ({ pem }: Pair) => ({ "tls-combined.pem": pem }),
  },
  {
    form: "one PEM among the other two",
    named: "tls-combined.pem",
    global: "",
    keys: ({ certificate, key, pem }: Pair) => ({
      "tls.crt": certificate,
      "tls.key": key,
      "tls-combined.pem": pem,
    }),
  },
];

for (const { form, named, global, keys } of MOUNTS) {
  programTest(`a Secret's certificate is hot-applied three times: ${form}`, async () => {
    await using workspace = new Secured();
    const mount = workspace.at("secret");
    const volume = new Volume(mount);
    await volume.write(keys(workspace.authority.issue()));
    const page = workspace.securePage({ bind: `crt ${mount}/${named}`, global });
    const wrapper = await workspace.serveSecure(page);
    await withoutReload(wrapper, async () => {
      for (let number = 1; number <= 3; number++) {
        const next = workspace.authority.issue();
        await volume.write(keys(next));
        await workspace.servesCertificate(next, wrapper);
      }
    });
    assert.doesNotMatch(wrapper.output, / warning .*(?:certificate|reload)/);
  });
}

programTest("a Secret that is a directory of certificates is hot-applied", async () => {
  await using workspace = new Secured();
  const mount = workspace.at("secret");
  const volume = new Volume(mount);
  const names = ["a.test", "b.test"];
  const write = async () => {
    const pairs = names.map((name) => ({ name, ...workspace.authority.issue({ name }) }));
    await volume.write(Object.fromEntries(pairs.map(({ name, pem }) => [`${name}.pem`, pem])));
    return pairs;
  };
  await write();
  const wrapper = await workspace.serveSecure(workspace.securePage({ bind: `crt ${mount}` }));
  await withoutReload(wrapper, async () => {
    for (const pair of await write()) {
      await workspace.servesCertificate(pair, wrapper, { servername: pair.name });
    }
  });
});

programTest("a map in a ConfigMap is hot-applied three times", async () => {
  await using workspace = new Secured();
  const volume = new Volume(workspace.at("maps"));
  await volume.write({ "site.map": "/a 0\n" });
  const rule = "    http-request return status 200 content-type text/plain " +
    `lf-string "%[path,map(${volume.path}/site.map,none)]" unless { path / }\n`;
  const page = workspace.page("one").replace("    http-request", `${rule}    http-request`);
  const wrapper = await workspace.serveSecure(page);
  await withoutReload(wrapper, async () => {
    for (const value of ["1", "2", "3"]) {
      await volume.write({ "site.map": `/a ${value}\n` });
      await wrapper.until(
        `the value ${value}`,
        async () => await workspace.getPath("/a") === value,
      );
    }
  });
});

programTest("a linked certificate is hot-applied when the link or its target changes", async () => {
  await using workspace = new Secured();
  const [old, next, last] = [1, 2, 3].map(() => workspace.authority.issue()) as [
    Pair,
    Pair,
    Pair,
  ];
  Deno.mkdirSync(workspace.at("archive"));
  workspace.write("archive/1.pem", old.pem);
  const second = workspace.write("archive/2.pem", next.pem);
  await Deno.symlink("archive/1.pem", workspace.pem);
  const wrapper = await workspace.serveSecure();
  await withoutReload(wrapper, async () => {
    await Deno.symlink("archive/2.pem", workspace.at("new-link"));
    await Deno.rename(workspace.at("new-link"), workspace.pem);
    await workspace.servesCertificate(next, wrapper);
    await Deno.writeTextFile(second, last.pem);
    await workspace.servesCertificate(last, wrapper);
  });
});
