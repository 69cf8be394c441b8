import assert from "node:assert/strict";
import { describeChanges } from "../../../../lib/hot_apply/servers/description.ts";
import type { Changes } from "../../../../lib/hot_apply/servers/plan.ts";
import type { ServerChange } from "../../../../lib/hot_apply/servers/server_change.ts";

const changed = (
  servers: Changes["servers"],
  frontends: Changes["frontends"] = [],
): Changes => ({ servers, frontends });

const removed = (server: string): ServerChange => ({
  tag: "removed",
  backend: "app",
  server,
});

Deno.test("changes are told by backend", () => {
  const values = { weight: 1, maxconn: 0, isDisabled: false };
  assert.equal(
    describeChanges(
      changed([
        {
          tag: "added",
          backend: "app",
          server: "s3",
          address: { ip: "::1", port: 80 },
          words: [],
          values,
          isChecked: false,
          hasAgent: false,
        },
        removed("s1"),
        {
          tag: "changed",
          backend: "web",
          server: "s2",
          values,
          isChecked: false,
          address: { from: { ip: "10.0.0.1", port: 1 }, to: { ip: "10.0.0.2", port: 2 } },
          weight: { from: 1, to: 2 },
          maxconn: { from: 0, to: 5 },
          isDisabled: { from: true, to: false },
        },
      ], [{ frontend: "in", from: 9, to: 8 }]),
      ['weight 7 of "web/s2"'],
    ),
    'backend "app": server "s3" added ([::1]:80), server "s1" removed; backend "web": address of ' +
      '"s2" 10.0.0.1:1 to 10.0.0.2:2, weight of "s2" 1 to 2, maxconn of "s2" 0 to 5, "s2" enabled; ' +
      'frontend "in": maxconn 9 to 8; instead of what was set by hand: weight 7 of "web/s2"',
  );
});

Deno.test("of many servers the first are told", () => {
  const all = Array.from({ length: 12 }, (_, at) => removed(`s${at}`));
  assert.match(describeChanges(changed(all), []), /"s9" removed; 2 more servers$/);
  const frontends = all.map(({ server }) => ({ frontend: server, from: 1, to: 2 }));
  assert.match(
    describeChanges(changed([], frontends), []),
    /"s9": .*; maxconn of 2 more frontends$/,
  );
});

Deno.test("nothing may have changed that counts", () => {
  assert.equal(describeChanges(changed([]), []), "the configuration means the same as before");
});
