/** Why nothing was started, where Kubernetes looks for it. */
import assert from "node:assert/strict";
import { BROKEN, MARKER } from "../support/secrets.ts";
import { ROOT, testNeeding } from "../support/needs.ts";
import { RUNNABLE } from "../support/program.ts";
import { Workspace } from "../support/wrapper.ts";

const NEEDS = [RUNNABLE, ROOT];

const MESSAGE = "/dev/termination-log";

/** The file is there only for the test. */
class Pod extends Workspace {
  constructor() {
    super();
    Deno.writeTextFileSync(MESSAGE, "");
  }

  get message(): string {
    return Deno.readTextFileSync(MESSAGE);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    Deno.removeSync(MESSAGE);
    await super[Symbol.asyncDispose]();
  }
}

testNeeding(NEEDS, "a failed first start leaves its reason in HAProxy's words", async () => {
  await using pod = new Pod();
  await pod.replace(`${pod.page("one")}    default_backnd\n`);
  const wrapper = pod.start();
  assert.equal(await wrapper.exitCode, 1);
  assert.match(
    pod.message,
    /^generation 1 did not start: haproxy exited with 1 before it was ready/,
  );
  assert.match(pod.message, /\n\[ALERT\].*unknown keyword 'default_backnd'/);
});

testNeeding(NEEDS, "a taken port leaves HAProxy's words", async () => {
  await using pod = new Pod();
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: pod.port });
  const wrapper = pod.start();
  assert.equal(await wrapper.exitCode, 1);
  assert.match(pod.message, /\n\[ALERT\].*cannot bind socket/);
});

testNeeding(NEEDS, "refused settings are left there, a good start leaves nothing", async () => {
  await using pod = new Pod();
  const refused = pod.start({ args: ["-f", "/no/such/file", "--settle-time", "soon"] });
  assert.equal(await refused.exitCode, 64);
  assert.match(pod.message, /--settle-time: found "soon"[^]*cannot read "\/no\/such\/file"/);
  Deno.writeTextFileSync(MESSAGE, "");
  const wrapper = await pod.serve();
  await pod.replace("frontend broken\n");
  await wrapper.saysMatching(/generation 2 rejected/);
  assert.equal(pod.message, "");
});

testNeeding(NEEDS, "no secret is left there", async () => {
  for (const broken of BROKEN) {
    await using pod = new Pod();
    await pod.replace(`${pod.page("one")}${broken}\n`);
    const wrapper = pod.start({ env: { SECRET: MARKER } });
    assert.equal(await wrapper.exitCode, 1);
    assert.match(pod.message, /\n\[ALERT\].*haproxy\.cfg:\d+\]/, broken);
    assert.ok(!pod.message.includes(MARKER), `of ${broken}: ${pod.message}`);
  }
});
