/** Incomplete new files in a directory of certificates: a reload waits for them, for a while. */
import assert from "node:assert/strict";
import { Authority } from "../../support/certificates.ts";
import { commonTest, longTest } from "../../support/wrapper/program.ts";
import { isLastReload, quoted, Secured, TOGETHER } from "../../support/wrapper/secured.ts";
import type { Wrapper, WrapperOptions } from "../../support/wrapper/wrapper.ts";

/** A workspace whose page is served with the certificates in a directory, at first one. */
class OfDirectory extends Secured {
  constructor() {
    super();
    Deno.mkdirSync(this.at("certs"));
    this.write("certs/a.pem", this.authority.issue().pem);
  }

  pageOf(text: string, options = ""): string {
    return this.securePage({ bind: `crt ${this.at("certs")} ${options}`, text });
  }

  async serveDirectory(options: WrapperOptions = {}): Promise<Wrapper> {
    // Otherwise they would be added without a reload.
    return await this.serveSecure(this.pageOf("one"), { ...options, args: ["--no-hot-apply"] });
  }
}

/** One that also wants certificates of clients, from the authorities in another directory. */
class OfCas extends OfDirectory {
  override pageOf(text: string): string {
    return super.pageOf(text, `ca-file ${this.at("cas")} verify optional`);
  }
}

const issue = ({ authority }: Secured) => authority.issue({ name: "b.test" });

/** Waits until the log says that a reload waits for that file. */
const waits = (wrapper: Wrapper, path: string, why: string) =>
  wrapper.says(`info .*reload delayed by at most .*"${quoted(path)}" ${quoted(why)}`);

/** It caused exactly one reload, and nothing was refused. */
async function isOneReload(workspace: OfDirectory, wrapper: Wrapper): Promise<void> {
  await isLastReload(wrapper, { generation: 2, marker: workspace.pageOf("marker") });
  assert.doesNotMatch(wrapper.output, / (?:error|warning) \[\d+\] (?!while it drains)|\[ALERT\]/);
}

/** The beginning of a PEM text, truncated within its first block. */
const halfOf = (text: string) => text.slice(0, 300);

const append = (path: string, text: string) => Deno.writeTextFile(path, text, { append: true });

commonTest("a certificate written in two halves and then renamed causes one reload", async () => {
  await using workspace = new OfDirectory();
  const wrapper = await workspace.serveDirectory(TOGETHER);
  const { pem } = issue(workspace);
  const path = workspace.write("certs/site.pem.new", halfOf(pem));
  await waits(wrapper, path, "ends in the middle of a block");
  await append(path, pem.slice(300));
  await Deno.rename(path, workspace.at("certs/site.pem"));
  await isOneReload(workspace, wrapper);
});

commonTest("a certificate whose key comes later causes one reload", async () => {
  await using workspace = new OfDirectory();
  const wrapper = await workspace.serveDirectory();
  const { certificate, key } = issue(workspace);
  await waits(
    wrapper,
    workspace.write("certs/b.pem", certificate),
    "has no private key, in it or beside it",
  );
  await workspace.replace(key, workspace.at("certs/b.pem.key"));
  await isOneReload(workspace, wrapper);
});

commonTest("so does a key that comes first, with a wrong certificate for a moment", async () => {
  await using workspace = new OfDirectory();
  const wrapper = await workspace.serveDirectory();
  const [one, other] = [issue(workspace), issue(workspace)];
  const key = workspace.write("certs/b.pem.key", one.key);
  await waits(wrapper, key, "has no certificate beside it");
  const path = workspace.at("certs/b.pem");
  await workspace.replace(other.certificate, path);
  await workspace.replace(one.certificate, path);
  await isOneReload(workspace, wrapper);
});

commonTest("once the file is gone again, a change made meanwhile goes live", async () => {
  await using workspace = new OfDirectory();
  const wrapper = await workspace.serveDirectory();
  const path = workspace.write("certs/4913", "");
  await waits(wrapper, path, "is empty");
  await workspace.replace(workspace.pageOf("two"));
  await Deno.remove(path);
  await workspace.serves("two", wrapper);
  await isOneReload(workspace, wrapper);
});

commonTest("a signal does not wait, and HAProxy says what is wrong", async () => {
  await using workspace = new OfDirectory();
  const wrapper = await workspace.serveDirectory();
  const path = workspace.write("certs/b.pem", "nothing yet\n");
  await waits(wrapper, path, "holds no certificate");
  wrapper.signal("SIGHUP");
  await wrapper.says(`\\[ALERT\\].*${quoted(path)}`);
  await wrapper.says(/error .*generation 2 rejected/);
});

longTest("a file that stays incomplete is tried, and then nothing waits for it", async () => {
  await using workspace = new OfDirectory();
  const wrapper = await workspace.serveDirectory();
  const path = workspace.write("certs/b.pem", halfOf(issue(workspace).pem));
  await waits(wrapper, path, "ends in the middle of a block");
  await wrapper.says(`\\[ALERT\\].*${quoted(path)}`);
  await wrapper.says(/error .*generation 2 rejected/);
  await workspace.replace(workspace.pageOf("two"));
  await wrapper.says(/error .*generation 3 rejected/);
  assert.equal(wrapper.output.match(/reload delayed/g)?.length, 1, wrapper.output);
  await Deno.remove(path);
  await workspace.serves("two", wrapper);
});

commonTest("nothing waits for directories and sockets", async () => {
  await using workspace = new OfDirectory();
  const wrapper = await workspace.serveDirectory();
  Deno.mkdirSync(workspace.at("certs/d.pem"));
  using _socket = Deno.listen({ transport: "unix", path: workspace.at("certs/s.pem") });
  workspace.write("certs/b.pem", issue(workspace).pem);
  await isOneReload(workspace, wrapper);
  assert.doesNotMatch(wrapper.output, /reload delayed/);
});

commonTest("a reload also waits for a file in a directory of CAs", async () => {
  await using workspace = new OfCas();
  Deno.mkdirSync(workspace.at("cas"));
  workspace.write("cas/a.pem", workspace.authority.certificate);
  const wrapper = await workspace.serveDirectory();
  const { certificate } = new Authority(workspace.at("other-ca"), "Other CA");
  const path = workspace.write("cas/b.pem", halfOf(certificate));
  await waits(wrapper, path, "ends in the middle of a block");
  await append(path, certificate.slice(300));
  await isOneReload(workspace, wrapper);
});
