/** HAProxy with TLS, and what changes its certificate: the wrapper, or the same by hand. */
import { startByHand } from "../contestants.ts";
import { join } from "@std/path";
import { ask, isListening } from "../../../lib/haproxy/runtime/client.ts";
import { Authority } from "../../support/certificates.ts";
import { SILENCED, startHaproxy } from "../../support/haproxy/bare.ts";
import { waitFor } from "../../support/wait.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import { fillWithCertificates, memberOf } from "./many_certificates.ts";

/** One of the certificates that a workspace's HAProxy loads. */
export interface Site {
  readonly workspace: Workspace;
  readonly port: number;
  /** The name on the certificate. */
  readonly name: string;
  /** Of its file. */
  readonly path: string;
  /** Where the list of all certificates is, if there is one. */
  readonly list: string;
  readonly authority: Authority;
}

export interface TlsContestant {
  readonly site: Site;
  /** Called right after a change of the file; resolves when only that is served. */
  follow(): Promise<void>;
}

export interface SiteOptions {
  /** How many certificates there are in a directory; 0: only one, without a directory. */
  readonly members?: number;
  /** Whether HAProxy loads them by a list. */
  readonly areListed?: boolean;
}

/** Prepares HAProxy with one certificate or many. */
export function prepareSite(
  room: AsyncDisposableStack,
  { members = 0, areListed = false }: SiteOptions = {},
): Site {
  const workspace = room.use(new Workspace());
  const directory = workspace.at("certificates");
  Deno.mkdirSync(directory);
  const authority = new Authority(workspace.at("ca"));
  if (members > 0) fillWithCertificates(directory, { count: members, authority });
  const { name, path } = memberOf(directory, Math.floor(members / 2));
  Deno.writeTextFileSync(path, authority.issue({ name }).pem);
  const list = workspace.at("certificates.list");
  if (areListed) {
    const paths = Array.from({ length: members }, (_, at) => memberOf(directory, at).path);
    Deno.writeTextFileSync(list, `${paths.join("\n")}\n`);
  }
  const one = members > 0 ? directory : path;
  writeConfiguration(workspace, areListed ? `crt-list ${list}` : `crt ${one}`);
  return { workspace, port: workspace.port, name, path, list, authority };
}

/** The wrapper with hot apply. */
export async function startHot(site: Site): Promise<TlsContestant> {
  const wrapper = await startWrapper(site, []);
  return { site, follow: follower(wrapper, () => [/ updated in generation 1 /]) };
}

/** The wrapper that reloads for each change. */
export async function startReloading(site: Site): Promise<TlsContestant> {
  const wrapper = await startWrapper(site, ["--no-hot-apply"]);
  let serving = 1;
  const steps = () => {
    serving += 1;
    return [`generation ${serving} serves`, `generation ${serving - 1} drained`]
      .map((text) => new RegExp(text));
  };
  return { site, follow: follower(wrapper, steps) };
}

/** HAProxy whose certificate is changed by just the two commands that it takes. */
export async function startHotByHand(site: Site): Promise<TlsContestant> {
  const socket = await startWithSocket(site);
  const { path } = site;
  return {
    site,
    async follow() {
      await confirmed(socket, `set ssl cert ${path} <<\n${await Deno.readTextFile(path)}\n`);
      await confirmed(socket, `commit ssl cert ${path}`);
    },
  };
}

/** Reloads as `by_hand.ts` does. */
export async function startReloadingByHand(site: Site): Promise<TlsContestant> {
  const { follow } = await startByHand(site.workspace);
  return { site, follow };
}

/** Without session resumption, so each connection takes a full handshake. */
function writeConfiguration({ configuration, port }: Workspace, certificates: string): void {
  Deno.writeTextFileSync(
    configuration,
    `global
    tune.ssl.cachesize 0

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend page
    bind 127.0.0.1:${port} ssl ${certificates} no-tls-tickets
    http-request return status 200 content-type text/plain string "page"
`,
  );
}

export async function startWrapper({ workspace }: Site, args: readonly string[]): Promise<Wrapper> {
  const wrapper = workspace.start({
    launcher: SILENCED,
    args: [...args, "-f", workspace.configuration],
  });
  const explain = () => wrapper.output;
  const hasStarted = () => wrapper.output.includes("generation 1 serves");
  await waitFor("the first generation", hasStarted, { deadlineMs: LONGEST_START_MS, explain });
  return wrapper;
}

/** HAProxy takes 8 s to load 10,000 certificates. */
const LONGEST_START_MS = 60_000;

/** Waits for the lines of a change, after those of the last one. */
function follower(wrapper: Wrapper, steps: () => readonly RegExp[]): () => Promise<void> {
  let read = 0;
  return async () => {
    for (const step of steps()) await wrapper.says(step, read);
    read = wrapper.output.length;
  };
}

/** From the runtime directory, by which the workspace finds the process when it cleans up. */
async function startWithSocket({ workspace }: Site): Promise<string> {
  const socket = join(workspace.runtimeDirectory, "admin.sock");
  const configuration = join(workspace.runtimeDirectory, "haproxy.cfg");
  Deno.writeTextFileSync(
    configuration,
    Deno.readTextFileSync(workspace.configuration)
      .replace("global\n", `global\n    stats socket ${socket} level admin\n`),
  );
  startHaproxy("-db", "-f", configuration);
  await waitFor("HAProxy to listen", () => isListening(socket), { deadlineMs: LONGEST_START_MS });
  return socket;
}

async function confirmed(socket: string, command: string): Promise<void> {
  const answer = await ask(socket, command, new AbortController().signal);
  if (!/Success!|Transaction created/.test(answer ?? "")) throw new Error(`answered "${answer}"`);
}
