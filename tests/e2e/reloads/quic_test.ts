/** HTTP/3 across reloads: kept and new connections, and those whose process is gone. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { SITE } from "../../support/clients/connection.ts";
import { connectHttp3, type Http3Connection } from "../../support/clients/http3.ts";
import { Authority } from "../../support/certificates.ts";
import { quic, testNeeding } from "../../support/needs.ts";
import { NOT_AS_PROCESS_1, RUNNABLE } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

const NEEDS = [RUNNABLE, NOT_AS_PROCESS_1, quic()];

class QuicSite extends Workspace {
  readonly quicPort = freePort();
  readonly #authority = new Authority(this.at("ca"));
  readonly #certificate = this.at("site.pem");

  constructor() {
    super();
    Deno.writeTextFileSync(this.#certificate, this.#authority.issue({ name: SITE }).pem);
    Deno.writeTextFileSync(this.configuration, this.content(1));
  }

  content(number: number, { global = "", more = "" } = {}): string {
    return `global\n${global}\n${this.page(`${number}`)}
    bind quic4@127.0.0.1:${this.quicPort} ssl crt ${this.#certificate} alpn h3
${more}`;
  }

  async connect(): Promise<Http3Connection> {
    return await connectHttp3({ port: this.quicPort, authority: this.#authority.certificate });
  }

  /** The answer on a new connection. */
  async answer(): Promise<string | undefined> {
    const connection = await this.connect();
    try {
      return (await connection.request())?.text;
    } finally {
      await connection.finish();
    }
  }

  /** The last file of generation `number`'s command line. */
  injected(number: number): string {
    return Deno.readTextFileSync(join(this.privateFolder, `${number}-last.cfg`));
  }
}

testNeeding(NEEDS, "a kept HTTP/3 connection hears of a reload, a new one is served", async () => {
  await using site = new QuicSite();
  const wrapper = await site.serve();
  const kept = await site.connect();
  try {
    assert.deepEqual(await kept.request(), { text: "1", isLast: false });
    await site.replace(site.content(2));
    await wrapper.says(/generation 2 serves/);
    await waitFor("the kept connection to be announced as over, or closed", async () => {
      return kept.isOver || await kept.request() === null;
    });
    assert.equal(await site.answer(), "2");
    assert.doesNotMatch(wrapper.output, /cluster-secret/);
  } finally {
    await kept.finish();
  }
});

testNeeding(NEEDS, "after a kill, QUIC clients hear at once that they are cut off", async () => {
  await using site = new QuicSite();
  const wrapper = await site.serve({ flags: ["--respawn", "1"] });
  const kept = await site.connect();
  try {
    await kept.request();
    const [pid] = site.haproxyPids();
    Deno.kill(pid!, "SIGKILL");
    await wrapper.says(/generation 2 serves/);
    await assert.rejects(kept.request(), { kind: "reset", message: /reset by peer/ });
    assert.equal(await site.answer(), "1");
  } finally {
    await kept.finish();
  }
});

testNeeding(NEEDS, "a user's cluster-secret is kept; without one the wrapper sets it", async () => {
  await using site = new QuicSite();
  const wrapper = await site.serve();
  assert.match(site.injected(1), /cluster-secret/);
  await site.replace(site.content(2, { global: "    cluster-secret mine" }));
  await wrapper.says(/generation 2 serves/);
  assert.doesNotMatch(site.injected(2), /cluster-secret/);
  await site.replace(site.content(3));
  await wrapper.says(/generation 3 serves/);
  assert.match(site.injected(3), /cluster-secret/);
  assert.doesNotMatch(wrapper.output, /already specified/);
});

testNeeding(NEEDS, "QUIC connections without sockets of their own are logged once", async () => {
  await using site = new QuicSite();
  const global = "    tune.quic.socket-owner listener";
  Deno.writeTextFileSync(site.configuration, site.content(1, { global }));
  const wrapper = await site.serve();
  const pattern =
    /warning .*reload of generation 1 cuts its QUIC connections.*"tune\.quic\.socket-owner listener" in "[^"]+" line 2/;
  await wrapper.says(pattern);
  await site.replace(site.content(2, { global }));
  await wrapper.says(/generation 2 serves/);
  await site.replace(site.content(3));
  await wrapper.says(/generation 3 serves/);
  assert.equal(wrapper.output.split("cuts its QUIC").length, 2);
});
