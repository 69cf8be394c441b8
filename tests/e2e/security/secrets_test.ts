/** Secrets in a refused configuration, wherever the program reports the refusal. */
import assert from "node:assert/strict";
import { BROKEN, MARKER } from "../../support/secrets.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { commonTest } from "../../support/wrapper/program.ts";

const env = { SECRET: MARKER };

commonTest("answers about a refused configuration say where and why, but no secret", async () => {
  await using workspace = new Observed();
  const args = ["--enable-reload-endpoint", "--no-reload"];
  const wrapper = await workspace.serveObserved(args, { env });
  for (const broken of BROKEN) {
    await workspace.replace(`${workspace.page("two")}${broken}\n`);
    const { status, body } = await workspace.ask("/reload", { method: "POST" });
    assert.equal(status, 500, body);
    const { lastFailure } = await workspace.reports(
      "the failure with its lines",
      ({ lastFailure }) => lastFailure !== null && lastFailure.excerpts.length > 0,
      wrapper,
    );
    assert.match(lastFailure!.alerts.join("\n"), /^\[ALERT\].*haproxy\.cfg:\d+\]/m);
    const others = ["/", "/status", "/metrics"].map(async (path) =>
      (await workspace.ask(path)).body
    );
    for (const shown of [body, ...await Promise.all(others)]) {
      assert.ok(!shown.includes(MARKER), `of ${broken}: ${shown}`);
    }
  }
  const own = wrapper.output.split("\n").filter((line) => /^\d{4}-\d\d-\d\dT/.test(line));
  assert.ok(own.length > BROKEN.length, wrapper.output);
  assert.ok(!own.join("\n").includes(MARKER), own.join("\n"));
  // HAProxy's own output passes unchanged to its log.
  await wrapper.says(MARKER);
});
