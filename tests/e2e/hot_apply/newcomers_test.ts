/** Incomplete new files in a directory of certificates: a reload waits for them, for a while. */
import assert from "node:assert/strict";
import { Authority } from "../../support/certificates.ts";
import { commonTest, longTest } from "../../support/program.ts";
import { isLastReload, quoted, Secured, TOGETHER } from "../../support/secured.ts";
import type { Wrapper, WrapperOptions } from "../../support/wrapper.ts";

/** A workspace with a directory of one certificate, and a configuration that names it. */
function prepare(options = "") {
  const workspace = new Secured();
  Deno.mkdirSync(workspace.at("certs"));
  workspace.write("certs/a.pem", workspace.authority.issue().pem);
  const configuration = (text: string) =>
    workspace.securePage(`crt ${workspace.at("certs")}${options}`, { text });
  // Otherwise they would be added without a reload.
  const args = ["--no-hot-apply"];
  const start = (options: WrapperOptions = {}) =>
    workspace.serveSecure(configuration("one"), { ...options, args });
  return { workspace, configuration, start };
}

const issue = ({ authority }: Secured) => authority.issue({ name: "b.test" });

/** Waits until the log says that a reload waits for that file. */
const waits = (wrapper: Wrapper, path: string, why: string) =>
  wrapper.saysMatching(
    new RegExp(`info .*reload delayed by at most .*"${quoted(path)}" ${quoted(why)}`),
  );

/** It caused exactly one reload, and nothing was refused. */
async function isOneReload(
  workspace: Secured,
  wrapper: Wrapper,
  configuration: (text: string) => string,
): Promise<void> {
  await isLastReload(workspace, wrapper, {
    generation: 2,
    configuration: configuration("marker"),
  });
  assert.doesNotMatch(wrapper.output, / (?:error|warning) \[\d+\] (?!while it drains)|\[ALERT\]/);
}

/** The beginning of a PEM text, truncated within its first block. */
const halfOf = (text: string) => text.slice(0, 300);

const append = (path: string, text: string) => Deno.writeTextFile(path, text, { append: true });

commonTest(
  "a certificate that is written in two halves and then renamed causes one reload",
  async () => {
    const { workspace, configuration, start } = prepare();
    await using _ = workspace;
    const wrapper = await start(TOGETHER);
    const { pem } = issue(workspace);
    const path = workspace.write("certs/site.pem.new", halfOf(pem));
    await waits(wrapper, path, "ends in the middle of a block");
    await append(path, pem.slice(300));
    await Deno.rename(path, workspace.at("certs/site.pem"));
    await isOneReload(workspace, wrapper, configuration);
  },
);

commonTest("a certificate whose key comes later causes one reload", async () => {
  const { workspace, configuration, start } = prepare();
  await using _ = workspace;
  const wrapper = await start();
  const { certificate, key } = issue(workspace);
  await waits(
    wrapper,
    workspace.write("certs/b.pem", certificate),
    "has no private key, in it or beside it",
  );
  await workspace.replace(key, workspace.at("certs/b.pem.key"));
  await isOneReload(workspace, wrapper, configuration);
});

commonTest(
  "so does a key that comes first, even if another certificate is there for a moment",
  async () => {
    const { workspace, configuration, start } = prepare();
    await using _ = workspace;
    const wrapper = await start();
    const [one, other] = [issue(workspace), issue(workspace)];
    const key = workspace.write("certs/b.pem.key", one.key);
    await waits(wrapper, key, "has no certificate beside it");
    const path = workspace.at("certs/b.pem");
    await workspace.replace(other.certificate, path);
    await workspace.replace(one.certificate, path);
    await isOneReload(workspace, wrapper, configuration);
  },
);

commonTest("once the file is gone again, a change made meanwhile goes live", async () => {
  const { workspace, configuration, start } = prepare();
  await using _ = workspace;
  const wrapper = await start();
  const path = workspace.write("certs/4913", "");
  await waits(wrapper, path, "is empty");
  await workspace.replace(configuration("two"));
  await Deno.remove(path);
  await workspace.serves("two", wrapper);
  await isOneReload(workspace, wrapper, configuration);
});

commonTest("a signal does not wait, and HAProxy says what is wrong", async () => {
  const { workspace, start } = prepare();
  await using _ = workspace;
  const wrapper = await start();
  const path = workspace.write("certs/b.pem", "nothing yet\n");
  await waits(wrapper, path, "holds no certificate");
  wrapper.signal("SIGHUP");
  await wrapper.saysMatching(new RegExp(`\\[ALERT\\].*${quoted(path)}`));
  await wrapper.saysMatching(/error .*generation 2 rejected/);
});

longTest(
  "a file that stays incomplete is tried after a while, and then nothing waits for it",
  async () => {
    const { workspace, configuration, start } = prepare();
    await using _ = workspace;
    const wrapper = await start();
    const path = workspace.write("certs/b.pem", halfOf(issue(workspace).pem));
    await waits(wrapper, path, "ends in the middle of a block");
    await wrapper.saysMatching(new RegExp(`\\[ALERT\\].*${quoted(path)}`));
    await wrapper.saysMatching(/error .*generation 2 rejected/);
    await workspace.replace(configuration("two"));
    await wrapper.saysMatching(/error .*generation 3 rejected/);
    assert.equal(wrapper.output.match(/reload delayed/g)?.length, 1, wrapper.output);
    await Deno.remove(path);
    await workspace.serves("two", wrapper);
  },
);

commonTest("nothing waits for directories and sockets", async () => {
  const { workspace, configuration, start } = prepare();
  await using _ = workspace;
  const wrapper = await start();
  Deno.mkdirSync(workspace.at("certs/d.pem"));
  using _socket = Deno.listen({ transport: "unix", path: workspace.at("certs/s.pem") });
  workspace.write("certs/b.pem", issue(workspace).pem);
  await isOneReload(workspace, wrapper, configuration);
  assert.doesNotMatch(wrapper.output, /reload delayed/);
});

commonTest("a reload also waits for a file in a directory of CAs", async () => {
  const { workspace, configuration } = prepare(" ca-file CAS verify optional");
  await using _ = workspace;
  Deno.mkdirSync(workspace.at("cas"));
  workspace.write("cas/a.pem", workspace.authority.certificate);
  const named = (text: string) => configuration(text).replace("CAS", workspace.at("cas"));
  const wrapper = await workspace.serveSecure(named("one"));
  const { certificate } = new Authority(workspace.at("other-ca"), "Other CA");
  const path = workspace.write("cas/b.pem", halfOf(certificate));
  await waits(wrapper, path, "ends in the middle of a block");
  await append(path, certificate.slice(300));
  await isOneReload(workspace, wrapper, named);
});
