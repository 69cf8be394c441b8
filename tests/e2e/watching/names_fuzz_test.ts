/** While the wrapper serves and reloads, entries with arbitrary names come, change and go in every watched place. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { createRandom, type Random } from "../../support/random.ts";
import { Authority } from "../../support/certificates.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { longTest, programTest } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** `SEED` repeats a run that failed. */
const SEED = Number(Deno.env.get("SEED") ?? 20_261_128);
const ROUNDS = Number(Deno.env.get("ROUNDS") ?? 30);
const OPERATIONS_A_ROUND = 8;

/** Relative folders, each of which is watched for a different reason. */
const PLACES = [
  ...["conf", "crt", "maps", "env", "further", "further/below", "globbed", "globbed/below", "."],
] as const;

class Fuzzed extends Observed {
  readonly #tlsPort = freePort();
  readonly #files: Readonly<Record<string, string>> = {
    "conf/crt.cfg": this.#secondFrontend(),
    "crt/site.pem": new Authority(join(this.path, "ca")).issue().pem,
    "maps/site.map": "/a b\n",
    "env/file": "A=1\n",
  };

  async serveAll(): Promise<Wrapper> {
    await this.clear();
    return await this.serveObserved([
      ...["-f", this.configurationDirectory, "--env-file", join(this.path, "env/file")],
      ...["--watch", join(this.path, "further"), "--watch", join(this.path, "globbed/*/*.map")],
      ...["--watch", join(this.path, "globbed/**/x"), "--poll-interval", "300ms"],
    ]);
  }

  override observedArgs(args: readonly string[]): readonly string[] {
    return ["--status-listen", `127.0.0.1:${this.statusPort}`, ...args];
  }

  async run(script: string): Promise<void> {
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["-c", script],
      cwd: this.path,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }

  /** Removes all but the test's own files, and restores those that a name displaced. */
  async clear(): Promise<void> {
    const paths = ["conf/haproxy.cfg", ...Object.keys(this.#files)];
    const own = paths.map((path) => `-path "./${path}" -type f`).join(" -o ");
    await this.run(
      `find . -mindepth 1 \\( -path ./ca -o -path ./run -o -path ./bin \\) -prune -o ` +
        `! \\( ${own} \\) ! -type d -print0 | xargs -0 -r rm -f --; ` +
        `find . -mindepth 1 -type d -empty ! -path ./ca ! -path "./run*" ! -path ./bin -delete; ` +
        `mkdir -p ${PLACES.join(" ")}`,
    );
    for (const [path, text] of Object.entries(this.#files)) {
      const isThere = await Deno.lstat(join(this.path, path)).then(() => true, () => false);
      if (!isThere) await Deno.writeTextFile(join(this.path, path), text);
    }
  }

  #secondFrontend(): string {
    return `frontend secure
    bind 127.0.0.1:${this.#tlsPort} ssl crt ${this.path}/crt
    mode http
    http-request return status 200 content-type text/plain lf-string "%[path,map(${this.path}/maps/site.map,none)]"
    timeout client 30s
`;
  }
}

/** An `sh` script: Deno cannot name anything that is not UTF-8. */
function randomScript(random: Random): string {
  return Array.from({ length: OPERATIONS_A_ROUND }, () => randomOperation(random)).join("\n");
}

function randomOperation(random: Random): string {
  const [one, other] = [randomPath(random), randomPath(random)];
  const operation = random.pick([
    `: > ${one}`,
    `echo x >> ${one}`,
    `cp maps/site.map ${one}`,
    `mkdir ${one}`,
    `mkdir -p ${one}/${randomName(random)}`,
    `ln -s ${randomName(random)} ${one}`,
    `ln -s ${one} ${one}`,
    `ln -s "$PWD" ${one}`,
    `ln -s /proc/self/fd ${one}`,
    `ln -s /dev/full ${one}`,
    `ln maps/site.map ${one}`,
    `: > ${one}; mv ${one} ${other}`,
    `mkdir ${one}; mv ${one} ${other}`,
    `: > ${one}; chmod 0 ${one}`,
    `mkdir ${one}; rmdir ${one}; : > ${one}; rm ${one}; ln -s x ${one}`,
    `mv further/below further/swapped; : > further/below; rm further/below; mkdir further/below`,
    `mv globbed ${one}; mkdir -p globbed/below`,
    `mv maps/site.map ${one}; mv ${one} maps/site.map`,
    `cp conf/haproxy.cfg ${one}; mv ${one} conf/haproxy.cfg`,
  ]);
  return `(${operation}) 2> /dev/null || :`;
}

const randomPath = (random: Random) => `./${random.pick(PLACES)}/${randomName(random)}`;

/** As a word of `sh`, at most 255 bytes. */
function randomName(random: Random): string {
  const length = random.pick([1, 2, 5, 30, 250]);
  const first = random.below(8) === 0 && length > 2 ? 0x2e : randomByte(random);
  const bytes = [first, ...Array.from({ length: length - 1 }, () => randomByte(random))];
  const suffix = random.pick(["", "", ".cfg", ".pem", ".map", ".key", "~"]);
  return `"$(printf %b '${bytes.map((byte) => `\\0${byte.toString(8)}`).join("")}')"${suffix}`;
}

/** Never 0, a slash or a dot; line breaks and invalid UTF-8 more often than others. */
function randomByte(random: Random): number {
  const any = () => 1 + random.below(255);
  const byte = random.pick([0x0a, 0x1b, 0xff, 0x80, any(), any()]);
  return byte === 0x2e || byte === 0x2f ? 0x2d : byte;
}

async function fuzz(seed: number): Promise<void> {
  const random = createRandom(seed);
  await using workspace = new Fuzzed();
  const wrapper = await workspace.serveAll();
  const explain = () => `SEED=${seed}\n${wrapper.output}`;
  for (let round = 0; round < ROUNDS; round++) {
    await workspace.run(randomScript(random));
    if (random.below(4) === 0) wrapper.signal(random.pick(["SIGHUP", "SIGUSR2"]));
    if (random.below(4) === 0) await workspace.clear();
    if (random.below(2) === 0) await workspace.replace(workspace.page(`round ${round}`));
    assert.notEqual(await workspace.get(), null, explain());
    assert.equal((await workspace.ask("/healthz")).status, 200, explain());
  }
  await workspace.clear();
  await workspace.replace(workspace.page("last"));
  await waitFor("the last change", async () => await workspace.get() === "last", {
    explain,
  });
  assert.ok(wrapper.lastGeneration > 2, explain());
  assert.equal(await workspace.metric("bugs_total"), 0, explain());
  assert.doesNotMatch(wrapper.lines.join("\n"), /bug/, explain());
  await wrapper.endsBy("SIGTERM", 143);
}

const register = Deno.env.has("SEED") ? programTest : longTest;

for (const seed of [SEED, SEED + 1]) {
  register(
    `arbitrary names in every watched place end nothing and stop no change (SEED=${seed})`,
    () => fuzz(seed),
  );
}
