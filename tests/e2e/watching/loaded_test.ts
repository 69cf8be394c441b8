/** What HAProxy loads besides its configuration is watched by default. */
import { Authority, dhParameters, ticketKeys } from "../../support/certificates.ts";
import { commonTest } from "../../support/wrapper/program.ts";
import { isLastReload, quoted, Secured } from "../../support/wrapper/secured.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** HAProxy reads each of these only at its start. */
interface Loaded {
  readonly what: string;
  /** The name of the file that changes. */
  readonly file: string;
  /** Writes the initial files, and returns the configuration, with `text` for its page. */
  readonly prepare: (workspace: Secured) => (text: string) => string;
  /** The file's later content; `null`: it is removed. */
  readonly after: (workspace: Secured) => string | null;
}

const error = (text: string) =>
  `HTTP/1.0 503 Unavailable\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`;

/** A configuration with `rules` before the answer. */
function withRules(workspace: Secured, rules: string) {
  return (text: string) =>
    workspace.page(text).replace("    http-request", `    ${rules}\n    http-request`);
}

/** One with a certificate, and more words after it. */
function withBind(workspace: Secured, options: string, global = "") {
  workspace.write("site.pem", workspace.authority.issue().pem);
  return (text: string) =>
    workspace.securePage({ bind: `crt ${workspace.pem} ${options}`, text, global });
}

/** One with a directory of two certificates. */
function withDirectory(workspace: Secured) {
  Deno.mkdirSync(workspace.at("certificates"));
  workspace.write("certificates/a.pem", workspace.authority.issue().pem);
  workspace.write("certificates/b.pem", workspace.authority.issue({ name: "b.test" }).pem);
  return (text: string) =>
    workspace.securePage({ bind: `crt ${workspace.at("certificates")}`, text });
}

const LOADED: readonly Loaded[] = [
  {
    what: "an error file",
    file: "503.http",
    prepare: (workspace) =>
      withRules(workspace, `errorfile 503 ${workspace.write("503.http", error("before"))}`),
    after: () => error("after"),
  },
  {
    what: "a file that is answered",
    file: "answer.txt",
    prepare: (workspace) =>
      withRules(
        workspace,
        "http-request return status 200 content-type text/plain " +
          `file ${workspace.write("answer.txt", "before")} if { path /answer }`,
      ),
    after: () => "after",
  },
  {
    what: "a Lua file",
    file: "script.lua",
    prepare: (workspace) => {
      const path = workspace.write("script.lua", "-- before\n");
      return (text) => workspace.page(text, { extra: `global\n    lua-load ${path}` });
    },
    after: () => "-- after\n",
  },
  {
    what: "a list of certificates",
    file: "list.txt",
    prepare: (workspace) => {
      const path = workspace.write("list.txt", `${workspace.pem} b.test\n`);
      return withBind(workspace, `crt-list ${path}`);
    },
    after: ({ pem }) => `${pem} c.test\n`,
  },
  {
    what: "a file of ticket keys",
    file: "tickets",
    prepare: (workspace) => {
      const path = workspace.write("tickets", ticketKeys());
      return withBind(workspace, `tls-ticket-keys ${path}`);
    },
    after: ticketKeys,
  },
  {
    what: "a file of DH parameters",
    file: "dh.pem",
    prepare: (workspace) => {
      const path = workspace.write("dh.pem", dhParameters(2048));
      return withBind(workspace, "", `ssl-dh-param-file ${path}`);
    },
    after: () => dhParameters(3072),
  },
  {
    what: "a CA file that the HTTP client reads too",
    file: "server-ca.pem",
    prepare: (workspace) => {
      const path = workspace.write("server-ca.pem", workspace.authority.certificate);
      const server = `server s 127.0.0.1:1 ssl verify required ca-file ${path}`;
      const extra = `global\n    httpclient.ssl.ca-file ${path}\nbackend b\n    ${server}`;
      return (text) => workspace.page(text, { extra });
    },
    after: (workspace) => new Authority(workspace.at("other-ca")).certificate,
  },
  {
    what: "a file in a directory of CAs",
    file: "cas/a.pem",
    prepare: (workspace) => {
      Deno.mkdirSync(workspace.at("cas"));
      workspace.write("cas/a.pem", workspace.authority.certificate);
      return withBind(workspace, `verify optional ca-file ${workspace.at("cas")}`);
    },
    after: (workspace) => new Authority(workspace.at("other-ca")).certificate,
  },
  {
    what: "a certificate that is added to a directory, for a name that another has",
    file: "certificates/c.pem",
    prepare: (workspace) => withDirectory(workspace),
    after: ({ authority }) => authority.issue({ name: "b.test" }).pem,
  },
  {
    what: "the default certificate that is removed from a directory",
    file: "certificates/a.pem",
    prepare: (workspace) => withDirectory(workspace),
    after: () => null,
  },
  {
    what: "an .sctl file that is added beside a certificate",
    file: "site.pem.sctl",
    prepare: (workspace) => withBind(workspace, ""),
    after: () => String.fromCharCode(0, 0),
  },
];

for (const { what, file, prepare, after } of LOADED) {
  commonTest(`a change to ${what} causes one reload, which names it`, async () => {
    await using workspace = new Secured();
    const page = prepare(workspace);
    const wrapper = await workspace.serveSecure(page("one"));
    const content = after(workspace);
    const path = workspace.at(file);
    await (content === null ? Deno.remove(path) : workspace.replace(content, path));
    await isNamedBy(wrapper, path);
    await isLastReload(wrapper, { generation: 2, marker: page("marker") });
  });
}

async function isNamedBy(wrapper: Wrapper, path: string): Promise<void> {
  await wrapper.says(`generation 2 serves.*reloaded after a change, changed: "${quoted(path)}"; `);
}
