/** A wrapper with traffic, in a place where everything can be broken and repaired. */
import { ask } from "../../../lib/haproxy/runtime/client.ts";
import { Bystander } from "../../support/haproxy/bystander.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { EchoServer } from "../../support/clients/echo_server.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { ONE_FORM } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { namesIn } from "../../support/machine/files.ts";
import { killQuietly } from "../../support/machine/processes.ts";
import type { Wrapper, WrapperOptions } from "../../support/wrapper/wrapper.ts";
import { command } from "./command.ts";
import { Traffic } from "./traffic.ts";

const IS_ROOT = Deno.uid() === 0;

/** A change without an event is found after this time. */
const POLL_INTERVAL_MS = 500;

/** A process that is not ready by then is given up. */
export const READY_TIMEOUT_MS = 2_500;

export class World extends Observed {
  readonly tcpPort = freePort();
  readonly hosts = this.at("hosts");
  readonly #echo = new EchoServer();
  #bystander: Bystander | null = null;
  #traffic: Traffic | null = null;
  #wrapper: Wrapper | null = null;
  #version = 0;
  #tail = "";
  /** The wrapper's open files before any fault. */
  openFilesAtFirst = 0;

  /** A world that serves its first configuration, with traffic. */
  static async serving(args: readonly string[] = [], options: WrapperOptions = {}): Promise<World> {
    const world = new World();
    try {
      await world.standIn(STAND_INS.is_haproxy);
      await world.begin(args, options);
      await world.wrapper.says(/generation 1 serves/);
      await world.wrapper.watches(world.configurationDirectory);
      await world.#beginTraffic();
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  get wrapper(): Wrapper {
    return this.#wrapper!;
  }

  get traffic(): Traffic {
    return this.#traffic!;
  }

  /** The text of the last configuration. */
  get wanted(): string {
    return `v${this.#version}`;
  }

  /** The generation that was last logged to serve. */
  get servingGeneration(): number {
    const all = [...this.wrapper.output.matchAll(/generation (\d+) serves/g)];
    return Number(all.at(-1)?.[1]);
  }

  async servingPid(): Promise<number> {
    return (await this.report()).serving!.pid!;
  }

  /** A valid configuration with this page. */
  content(text: string): string {
    return `defaults
    timeout connect 5s
    timeout client 1m
    timeout server 1m

frontend page
    mode http
    option idle-close-on-response
    bind 127.0.0.1:${this.port}
    http-request return status 200 content-type text/plain string "${text}"

listen tcp
    bind 127.0.0.1:${this.tcpPort}
    server echo 127.0.0.1:${this.#echo.port}
`;
  }

  /** The next configuration, not written yet; `tail` stays in those that follow. */
  nextPage(tail = this.#tail): string {
    this.#tail = tail;
    this.#version++;
    return this.content(this.wanted) + tail;
  }

  /** Writes the next configuration. */
  async change(tail?: string): Promise<void> {
    await this.replace(this.nextPage(tail));
  }

  /** Asks the serving generation on its own socket; `null` if it does not answer. */
  async askServing(words: string): Promise<string | null> {
    const { generation } = (await this.report()).serving!;
    return await ask(this.privateSocket(generation), words, AbortSignal.timeout(1_000));
  }

  get openFiles(): number {
    return namesIn(`/proc/${this.wrapper.pid}/fd`).length;
  }

  /** The soft limit, which can be raised again. */
  async limitOpenFiles(pid: number, limit: number): Promise<void> {
    await command("prlimit", `--pid=${pid}`, `--nofile=${limit}:`);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#wrapper?.readStdout();
    await this.stopTraffic();
    await this.#bystander?.[Symbol.asyncDispose]();
    await this.#echo.close();
    if (IS_ROOT) {
      for (const pid of this.haproxyPids()) killQuietly(pid);
      await command("umount", "--lazy", this.runtimeDirectory).catch(() => {});
    }
    await super[Symbol.asyncDispose]();
  }

  /** Starts the wrapper with the current stand-in. */
  async begin(args: readonly string[], options: WrapperOptions = {}): Promise<void> {
    await this.change();
    const inNamespace = IS_ROOT ? await this.#prepareMounts() : [];
    const defaults = {
      "--poll-interval": `${POLL_INTERVAL_MS}ms`,
      "--ready-timeout": `${READY_TIMEOUT_MS}ms`,
    };
    const flags = Object.entries(defaults).filter(([flag]) => !args.includes(flag)).flat();
    this.#wrapper = this.start({
      program: ONE_FORM,
      ...options,
      args: this.observedArgs([...flags, ...args]),
      launcher: [...inNamespace, ...options.launcher ?? []],
      env: { PATH: `${this.binaries}:/usr/bin:/bin`, ...options.env },
    });
  }

  /** Before something that would cut it off. */
  async stopTraffic(): Promise<void> {
    await this.#traffic?.stop();
  }

  async #beginTraffic(): Promise<void> {
    this.#bystander = await Bystander.answering();
    const { port, tcpPort } = this;
    this.#traffic = new Traffic({ port, tcpPort, bystander: this.#bystander });
    await waitFor("traffic", () => this.traffic.answers > 20, {
      explain: () => JSON.stringify(this.traffic.failures),
    });
    this.openFilesAtFirst = this.openFiles;
  }

  /** A small disk for the private folder, and an `/etc/hosts` of its own. */
  async #prepareMounts(): Promise<string[]> {
    await command(
      "mount",
      "-t",
      "tmpfs",
      "-o",
      "size=256k,mode=700",
      "none",
      this.runtimeDirectory,
    );
    await Deno.writeTextFile(this.hosts, "127.0.0.1 localhost\n");
    const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
    return ["unshare", "--mount", "sh", "-c", script, this.hosts];
  }
}
