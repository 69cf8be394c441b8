/** Where the files that HAProxy loads are, which of them are not watched, and `--list-watched`. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { commonTest } from "../../support/wrapper/program.ts";
import { isLastReload, quoted, Secured } from "../../support/wrapper/secured.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import { namesIn } from "../../support/machine/files.ts";

const error = (text: string) => `HTTP/1.0 503 Unavailable\r\nx-is: ${text}\r\n\r\n`;

/** A configuration with an error file, named exactly so. */
const withErrorFile = (workspace: Secured, written: string, text = "one") =>
  workspace.page(text, { extra: `    errorfile 503 ${written}\n` });

async function isReload(workspace: Secured, wrapper: Wrapper, path: string): Promise<void> {
  await workspace.replace(error("after"), path);
  await wrapper.says(`generation 2 serves.*changed: "${quoted(path)}";`);
}

commonTest("a path may have variables, and follows those of the env file", async () => {
  await using workspace = new Secured();
  const [a, b] = ["a", "b"].map((name) => {
    Deno.mkdirSync(workspace.at(name));
    return workspace.write(`${name}/503.http`, error(name));
  }) as [string, string];
  const envFile = workspace.write("env", `ERRORS=${workspace.at("a")}\n`);
  const page = (text: string) =>
    "global\n    setenv NAME 503\n" +
    withErrorFile(workspace, '"${ERRORS}/${NAME}.$EXTENSION"', text);
  const wrapper = await workspace.serveSecure(page("one"), {
    env: { ENV_FILE: envFile, EXTENSION: "http" },
  });
  await isReload(workspace, wrapper, a);
  await workspace.replace(`ERRORS=${workspace.at("b")}\n`, envFile);
  await wrapper.says(/serves.*changed: ".*\/env"/);
  await workspace.replace(error("after"), b);
  // It is unknown what was read of files this new, so they may be loaded once more.
  await wrapper.says(`serves.*changed: .*"${quoted(b)}";`);
  await workspace.replace(error("nobody reads that"), a);
  await isLastReload(wrapper, { generation: wrapper.lastGeneration, marker: page("marker") });
});

commonTest("a relative path starts where `default-path config` says", async () => {
  await using workspace = new Secured();
  const path = join(workspace.configurationDirectory, "503.http");
  workspace.write("503.http", error("another file in the working directory"));
  await Deno.writeTextFile(path, error("before"));
  const page = (text: string) =>
    `global\n    default-path config\n${withErrorFile(workspace, "503.http", text)}`;
  const wrapper = await workspace.serveSecure(page("one"));
  await workspace.replace(error("nobody reads that"), workspace.at("503.http"));
  await isReload(workspace, wrapper, path);
  await isLastReload(wrapper, { generation: 2, marker: page("marker") });
});

commonTest("relative paths start in the working directory, certificates in crt-base", async () => {
  await using workspace = new Secured();
  const path = workspace.write("503.http", error("before"));
  Deno.mkdirSync(workspace.at("certificates"));
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
  const pem = workspace.write("certificates/site.pem", old.pem);
  const bind = workspace.securePage({ bind: "crt site.pem" }).split("\n").at(-2)!;
  const page = `global\n    crt-base ${workspace.at("certificates")}\n` +
    withErrorFile(workspace, "503.http") + bind + "\n";
  const wrapper = await workspace.serveSecure(page);
  await workspace.replace(next.pem, pem);
  await workspace.servesCertificate(next, wrapper);
  await wrapper.stopsAt(1);
  await isReload(workspace, wrapper, path);
});

commonTest("a file that HAProxy begins to use is watched from then on", async () => {
  await using workspace = new Secured();
  const path = workspace.write("503.http", error("before"));
  const wrapper = await workspace.serveSecure(workspace.page("one"));
  await workspace.replace(withErrorFile(workspace, path, "two"));
  await workspace.serves("two", wrapper);
  await workspace.replace(error("after"), path);
  await wrapper.says(`generation 3 serves.*changed: "${quoted(path)}";`);
  await isLastReload(wrapper, {
    generation: 3,
    marker: withErrorFile(workspace, path, "marker"),
  });
});

for (const [how, args] of [["reload", ["--no-hot-apply"]], ["hot apply", []]] as const) {
  commonTest(
    `a list and a new certificate in it cause one ${how}, and both are watched`,
    async () => {
      await using workspace = new Secured();
      const { authority } = workspace;
      workspace.write("site.pem", authority.issue().pem);
      const list = workspace.write("list.txt", `${workspace.pem}\n`);
      const page = (text: string) => workspace.securePage({ bind: `crt-list ${list}`, text });
      const wrapper = await workspace.serveSecure(page("one"), { args });
      const added = authority.issue({ name: "added.test" });
      const path = workspace.write("added.pem", added.pem);
      await workspace.replace(`${workspace.pem}\n${path}\n`, list);
      await workspace.servesCertificate(added, wrapper, { servername: "added.test" });
      const generation = how === "reload" ? 2 : 1;
      if (how === "reload") await wrapper.says(/generation 2 serves.*changed: /);
      else await wrapper.says(/certificate list .* updated in generation 1 without a reload/);
      await isLastReload(wrapper, { generation, marker: page("marker") });
      const next = authority.issue({ name: "added.test" });
      await workspace.replace(next.pem, path);
      await workspace.servesCertificate(next, wrapper, { servername: "added.test" });
      await wrapper.stopsAt(how === "reload" ? generation + 2 : generation + 1);
    },
  );
}

commonTest("server state files and log sockets are not watched", async () => {
  await using workspace = new Secured();
  const [state, log] = [workspace.write("state", "1\n"), workspace.write("log.sock", "")];
  const settings = `global
    server-state-file ${state}
    log ${log} local0
    stats socket ${workspace.at("stats.sock")}
`;
  const page = (text: string) =>
    settings + workspace.page(text, { extra: "    load-server-state-from-file global\n" });
  const wrapper = await workspace.serveSecure(page("one"));
  await workspace.replace("1\n# other\n", state);
  await workspace.replace("other", log);
  await workspace.replace(page("marker"));
  await workspace.serves("marker", wrapper);
  await wrapper.says(`generation 2 serves.*changed: "${quoted(workspace.configuration)}";`);
  await wrapper.stopsAt(2);
});

commonTest("with --no-watch-loaded only the configuration is watched", async () => {
  await using workspace = new Secured();
  const path = workspace.write("503.http", error("before"));
  workspace.write("site.pem", workspace.authority.issue().pem);
  const bind = workspace.securePage().split("\n").at(-2)!;
  const page = (text: string) => `${withErrorFile(workspace, path, text)}${bind}\n`;
  const wrapper = await workspace.serveSecure(page("one"), { args: ["--no-watch-loaded"] });
  await workspace.replace(error("after"), path);
  await workspace.replace(workspace.authority.issue().pem, workspace.pem);
  await workspace.replace(page("marker"));
  await workspace.serves("marker", wrapper);
  await wrapper.says(`generation 2 serves.*changed: "${quoted(workspace.configuration)}";`);
  await wrapper.stopsAt(2);
  assert.doesNotMatch(wrapper.output, / replaced in | does not say which/);
});

commonTest("--list-watched says what is watched and why, and starts nothing", async () => {
  await using workspace = new Secured();
  const errors = workspace.write("503.http", error("before"));
  const missing = workspace.at("missing.map");
  const further = workspace.write("further", "");
  workspace.write("site.pem", workspace.authority.issue().certificate);
  Deno.mkdirSync(workspace.at("certificates"));
  const member = workspace.write("certificates/a.pem", workspace.authority.issue().pem);
  const key = workspace.write("site.pem.key", "");
  const bind = `crt ${workspace.pem} crt ${workspace.at("certificates")}`;
  const rule = `    http-request set-header x %[path,map(${missing})]\n`;
  await workspace.replace(workspace.securePage({ bind }) + rule + `    errorfile 503 ${errors}\n`);
  const { configuration, configurationDirectory } = workspace;
  const wrapper = workspace.start({
    args: [
      ...["-f", configuration, "--watch", further, "--watch", workspace.at("*.none")],
      "--list-watched",
    ],
  });
  assert.equal(await wrapper.exitCode, 0, wrapper.output);
  const line = (path: string, origin: string) =>
    assert.match(wrapper.output, new RegExp(`^${quoted(path)}[^\\n]*\\n +${origin}$`, "m"));
  line(configuration, "-f");
  line(further, "--watch");
  line(`${missing} (missing)`, `map in "${quoted(configuration)}" line \\d+`);
  line(`${workspace.at("*.none")} (matches nothing)`, "--watch");
  line(workspace.pem, `crt in "${quoted(configuration)}" line \\d+`);
  line(key, `beside "${quoted(workspace.pem)}", crt in ".*" line \\d+`);
  line(member, `in "${quoted(workspace.at("certificates"))}", crt in ".*" line \\d+`);
  line(errors, `errorfile in "${quoted(configuration)}" line \\d+`);
  const [, directories] = wrapper.output.split(/^Directories that are watched:$/m);
  for (const path of [workspace.path, configurationDirectory, workspace.at("certificates")]) {
    assert.match(directories!, new RegExp(`^  ${quoted(path)}$`, "m"));
  }
  assert.equal(wrapper.lastGeneration, 0);
  assert.deepEqual(namesIn(workspace.runtimeDirectory), []);
});
