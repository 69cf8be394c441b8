/**
 * Random edits of a certificate list: each name is served as by a HAProxy that is started from the same files. LIST_EDITS
 * and LIST_SEED repeat one.
 */
import assert from "node:assert/strict";
import { connect } from "node:tls";
import { freePort } from "../../support/machine/free_port.ts";
import { commonTest } from "../../support/wrapper/program.ts";
import { createRandom, type Random } from "../../support/random.ts";
import { Secured } from "../../support/wrapper/secured.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import { BareHaproxy } from "./process.ts";

const EDITS = Number(Deno.env.get("LIST_EDITS") ?? 40);
const SEED = Number(Deno.env.get("LIST_SEED") ?? Math.floor(Math.random() * 1_000_000));

/** The names of the certificates, some of which are for the same. */
const CERTIFICATES = ["default", "a", "*.w", "a", "b", "*.w", "a", "*.w", "x.w", "b"];
const FILTERS = ["a", "b", "C", "*.w", "x.w", "*.v", "!y.w", "!a"];
const OPTIONS = ["", "", "", "alpn http/1.1", "ssl-max-ver TLSv1.2", "ssl-min-ver TLSv1.3"];
const ASKED = ["default", "a", "b", "c", "x.w", "y.w", "w", "x.v", "q"];

interface Line {
  readonly at: number;
  readonly options: string;
  readonly filters: readonly string[];
}

class Site extends Secured {
  readonly strictPort = freePort();
  readonly list = this.at("list");
  readonly random: Random;
  lines: readonly Line[] = [{ at: 0, options: "", filters: [] }, ...[1, 2, 4].map(alone)];

  constructor(random: Random) {
    super();
    this.random = random;
    for (const [at, name] of CERTIFICATES.entries()) {
      this.write(`c${at}.pem`, this.authority.issue({ name: `${name}.test` }).pem);
    }
  }

  /** Behind each port, and what it does without a certificate for a name. */
  config(port: number, [plain, strict]: readonly [number, number]): string {
    const list = `crt-list ${this.list} alpn h2,http/1.1`;
    return `defaults
    mode http
    timeout client 10s
    timeout connect 10s
    timeout server 10s
frontend page
    bind 127.0.0.1:${port}
    bind 127.0.0.1:${plain} ssl ${list}
    bind 127.0.0.1:${strict} ssl ${list} strict-sni
    http-request return status 200
`;
  }

  text(): string {
    const lines = this.lines.map(({ at, options, filters }) => {
      const names = filters.map((filter) => ` ${filter}.test`).join("");
      return `${this.at(`c${at}.pem`)}${options === "" ? "" : ` [${options}]`}${names}\n`;
    });
    return `# ${this.random.below(1e9)}\n${lines.join("")}`;
  }

  edit(): void {
    const { random, lines } = this;
    const place = random.below(lines.length);
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        this.lines = lines.toSpliced(place + 1, 0, {
          at: 1 + random.below(CERTIFICATES.length - 1),
          options: random.pick(OPTIONS),
          filters: this.filters(),
        });
        break;
      case 3:
      case 4:
        if (lines.length > 1) this.lines = lines.toSpliced(Math.max(1, place), 1);
        break;
      case 5:
      case 6:
        this.lines = lines.with(place, { ...lines[place]!, filters: this.filters() });
        break;
      default:
        this.lines = lines.toSpliced(place, 1).concat(lines[place]!);
    }
  }

  filters(): readonly string[] {
    return Array.from({ length: this.random.below(3) }, () => this.random.pick(FILTERS));
  }
}

const alone = (at: number): Line => ({ at, options: "", filters: [] });

/** What a client that asks for that name gets. */
function seen(port: number, name: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({
    host: "127.0.0.1",
    port,
    servername: `${name}.test`,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2", "http/1.1"],
  }, () => {
    const { fingerprint256 } = socket.getPeerCertificate();
    resolve(`${fingerprint256} ${socket.alpnProtocol} ${socket.getProtocol()}`);
    socket.destroy();
  });
  socket.once("error", ({ message }) => resolve(message));
  return promise;
}

async function seenOf(ports: readonly number[]): Promise<readonly string[]> {
  const all: string[] = [];
  for (const port of ports) {
    for (const name of ASKED) all.push(`${name}: ${await seen(port, name)}`);
  }
  return all;
}

commonTest("lines of certificate lists that come and go are those of a reload", async () => {
  await using site = new Site(createRandom(SEED));
  Deno.writeTextFileSync(site.list, site.text());
  const ports = [site.tlsPort, site.strictPort] as const;
  const wrapper = await site.serveSecure(site.config(site.port, ports));
  const compare = async () => {
    const own = [freePort(), freePort()] as const;
    await using fresh = await new BareHaproxy(site.config(freePort(), own)).answers();
    const [got, wanted] = [await seenOf(ports), await seenOf(own)];
    assert.ok(fresh);
    assert.deepEqual(got, wanted, `LIST_SEED=${SEED}\n${wrapper.output}\n${site.text()}`);
  };
  let applied = 0;
  for (let edit = 0; edit < EDITS; edit++) {
    site.edit();
    const from = wrapper.output.length;
    await site.replace(site.text(), site.list);
    const [, how] = await wrapper.says(/(list" updated|generation \d+ serves)/, from);
    if (how !== 'list" updated') await haveStopped(site, wrapper);
    else applied++;
    await compare();
  }
  // Few for some seeds, but never none.
  assert.ok(applied > 0, `${applied} of ${EDITS}, seed ${SEED}`);
  wrapper.signal("SIGHUP");
  await wrapper.says(`generation ${wrapper.lastGeneration + 1} serves`);
  await haveStopped(site, wrapper);
  await compare();
});

/** A process that drains still accepts for a moment. */
const haveStopped = (site: Site, wrapper: Wrapper) =>
  site.haveStopped(wrapper.lastGeneration - 1, wrapper);
