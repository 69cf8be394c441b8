/** Neither files of gigabytes nor directories of hundreds of thousands of files end or silence the wrapper. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { Authority } from "../../support/certificates.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { IN_ONE_FORM, programTest, RUNNABLE } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const MB = 2 ** 20;
const GB = 2 ** 30;

/** How much memory of its own the wrapper may have, whatever is on disk. */
const MOST_MEGABYTES = 64;

/** How long a probe may take, on any machine. */
const PROBE_LIMIT_MS = 5_000;

/** Tracks a wrapper's memory, and probes it continuously. */
class Watched implements AsyncDisposable {
  readonly #workspace: Observed;
  readonly #wrapper: Wrapper;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #probing: Promise<void>;
  #isOver = false;
  #failure: unknown = null;
  mostMegabytes = 0;
  probes = 0;

  constructor(workspace: Observed, wrapper: Wrapper) {
    this.#workspace = workspace;
    this.#wrapper = wrapper;
    this.#timer = setInterval(() => this.#measure(), 5);
    this.#probing = this.#probe();
  }

  /** Asserts that every probe was answered, the next one is, and memory never exceeded the limit. */
  async check(): Promise<void> {
    const before = this.probes;
    await waitFor("one more probe", () => this.probes > before || this.#failure !== null);
    assert.equal(this.#failure, null);
    assert.ok(
      this.mostMegabytes > 0 && this.mostMegabytes <= MOST_MEGABYTES,
      `${this.mostMegabytes}`,
    );
  }

  #measure(): void {
    const status = Deno.readTextFileSync(`/proc/${this.#wrapper.pid}/status`);
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? [];
    this.mostMegabytes = Math.max(this.mostMegabytes, Math.round(Number(kilobytes) / 1_024));
  }

  async #probe(): Promise<void> {
    try {
      while (!this.#isOver) {
        const signal = AbortSignal.timeout(PROBE_LIMIT_MS);
        const { status } = await this.#workspace.ask("/healthz", { signal });
        if (status !== 200) throw new Error(`/healthz answered ${status}`);
        this.probes++;
      }
    } catch (error) {
      this.#failure = error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#isOver = true;
    await this.#probing;
  }
}

/** A page that shows a map's value. */
class Sized extends Observed {
  readonly map = join(this.path, "map");
  readonly tree = join(this.path, "tree");

  constructor() {
    super();
    Deno.mkdirSync(this.tree);
    Deno.writeTextFileSync(this.map, "/ one\n");
    Deno.writeTextFileSync(this.configuration, this.mapped());
  }

  mapped(extra = ""): string {
    const page = this.page("text", { extra });
    return page.replace('string "text"', `lf-string %[path,map("${this.map}",none)]`);
  }

  /** Makes a sparse file of that many bytes, and moves it to `path`. */
  async replaceSparse(path: string, bytes: number): Promise<void> {
    const replacement = join(this.path, "sparse");
    await Deno.writeTextFile(replacement, "");
    await Deno.truncate(replacement, bytes);
    await Deno.rename(replacement, path);
  }
}

programTest("files of gigabytes are followed by size and times, and cost nothing", async () => {
  await using workspace = new Sized();
  const { map, tree, configuration } = workspace;
  const environment = join(workspace.path, "env");
  await Deno.writeTextFile(environment, "A=1\n");
  await workspace.replaceSparse(join(tree, "at-the-start"), 6 * GB);
  const wrapper = await workspace.serveObserved(["--watch", tree, "--env-file", environment]);
  await using watched = new Watched(workspace, wrapper);
  await wrapper.says(/warning .*tree\/at-the-start" is not read, because it exceeds 256 MB/);
  await workspace.serves("one", wrapper);

  await workspace.replaceSparse(map, 300 * MB);
  await says(wrapper, /generation 2 serves, .*changed: ".*\/map"/);
  await workspace.replace("/ two\n", map);
  await workspace.serves("two", wrapper);
  await says(wrapper, /map ".*\/map" updated in generation 2 without a reload/);

  await workspace.replaceSparse(join(tree, "later"), 6 * GB);
  await wrapper.says(/generation 3 serves, .*changed: ".*tree\/later"/);
  await workspace.replace("/ three\n", map);
  await workspace.serves("three", wrapper);
  await says(wrapper, /map ".*\/map" updated in generation 3 without a reload/);

  await workspace.replaceSparse(environment, GB);
  await wrapper.says(/generation 4 rejected: .*it has more than 2 MB/);
  await workspace.replace("A=2\n", environment);
  await wrapper.says(/generation 5 serves/);

  await workspace.replaceSparse(configuration, GB);
  await wrapper.says(/generation 6 rejected/);
  await wrapper.says(/warning .*haproxy.cfg" is not searched for file names/);
  assert.equal(await workspace.get(), "three");
  await workspace.replace(workspace.mapped("    backlog 99"));
  await wrapper.says(/generation 7 serves/);
  await watched.check();
});

testNeeding(
  [RUNNABLE, ROOT, IN_ONE_FORM],
  "200,000 files are followed as a whole, and changes are live",
  async () => {
    await using workspace = new Sized();
    const { tree } = workspace;
    const launcher = filled(tree, ".pem");
    const args = workspace.observedArgs(["--watch", tree, "--watch", join(tree, "*.pem")]);
    const wrapper = workspace.start({ args, launcher });
    await says(wrapper, /generation 1 serves/);
    await says(
      wrapper,
      /warning .*\/tree" has 200000 entries, too many to follow each: any change causes a reload/,
    );
    await using watched = new Watched(workspace, wrapper);
    await Deno.writeTextFile(inside(wrapper, join(tree, "7.pem")), "changed");
    await says(wrapper, /generation 2 serves, .*changed: ".*\/tree/);
    await workspace.replace("/ two\n", workspace.map);
    await workspace.serves("two", wrapper);
    await watched.check();
  },
);

testNeeding(
  [RUNNABLE, ROOT, IN_ONE_FORM],
  "a directory of certificates with too many files is followed as a whole",
  async () => {
    await using workspace = new Sized();
    const { tree } = workspace;
    const { certificate, key } = new Authority(join(workspace.path, "ca")).issue({
      name: "a.test",
    });
    const pem = join(workspace.path, "a.pem");
    await Deno.writeTextFile(pem, certificate + key);
    const bind = `frontend tls\n    bind 127.0.0.1:${freePort()} ssl crt ${tree}\n`;
    await Deno.writeTextFile(workspace.configuration, workspace.mapped() + bind);
    // HAProxy loads no file with such a name, but the wrapper need not know that.
    const launcher = filled(tree, ".sctl", `cp ${pem} ${tree}`);
    const wrapper = workspace.start({ args: workspace.observedArgs(), launcher });
    await says(wrapper, /generation 1 serves/);
    await says(wrapper, /warning .*\/tree" has 200001 entries, too many to follow each/);
    await using watched = new Watched(workspace, wrapper);
    await Deno.writeTextFile(inside(wrapper, join(tree, "a.pem")), `${certificate}${key}\n`);
    await says(wrapper, /generation 2 serves, .*changed: ".*\/tree"/);
    await watched.check();
  },
);

/** Mounts 200,000 empty files at `directory`, in memory and only for the wrapper. */
function filled(directory: string, extension: string, more = "true"): readonly string[] {
  const script = `mount -t tmpfs none ${directory} && ${more} && cd ${directory} &&
seq -f "%.0f${extension}" 200000 | xargs touch && cd / && exec "$0" "$@"`;
  return ["unshare", "--mount", "sh", "-c", script];
}

/** The path of a file that only the wrapper sees. */
const inside = ({ pid }: Wrapper, path: string) => `/proc/${pid}/root${path}`;

/** Allows time for a large file or directory on a busy machine. */
async function says(wrapper: Wrapper, pattern: RegExp): Promise<void> {
  await waitFor(`output that matches ${pattern}`, () => pattern.test(wrapper.output), {
    deadlineMs: 90_000,
    explain: () => wrapper.output,
  });
}
