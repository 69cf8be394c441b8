import assert from "node:assert/strict";
import { obstacleInRelease, trustsNewServers } from "../../../../lib/hot_apply/servers/releases.ts";

for (const version of ["3.2.26-1", "3.4.7", "3.4.10-1~bpo", "3.5.0", "3.10.1", "4.0.0"]) {
  Deno.test(`${version} is trusted`, () => assert.equal(trustsNewServers(version), true));
}

for (
  const version of [
    ...[null, "", "2.6.12-1+deb12u4", "2.8.30", "3.0.99", "3.2.25", "3.3.9", "3.4.6", "3.5-dev5"],
  ]
) {
  Deno.test(`${version} is not trusted`, () => assert.equal(trustsNewServers(version), false));
}

Deno.test("what a release may be given depends on what changes", () => {
  const server = { tag: "removed", backend: "b", server: "s" } as const;
  const limit = { frontend: "f", from: 1, to: 2 };
  const address = { from: { ip: "127.0.0.1", port: 1 }, to: { ip: "127.0.0.1", port: 2 } };
  const values = { weight: 1, maxconn: 0, isDisabled: false };
  const same = { weight: null, maxconn: null, isDisabled: null, isChecked: false };
  const moved = { tag: "changed", backend: "b", server: "s", values, ...same, address } as const;
  const move = { servers: [moved], frontends: [] };
  for (const version of ["2.6.12", "2.8.16", "3.0.10", "3.2.25", "3.3.9", null]) {
    assert.match(obstacleInRelease(move, version) ?? "", /server "s" has another address/);
  }
  for (const version of ["3.0.11", "3.2.26", "3.4.7", "3.5.0"]) {
    assert.equal(obstacleInRelease(move, version), null);
  }
  const safe = { servers: [server], frontends: [] };
  assert.equal(obstacleInRelease(safe, "2.6.12"), null);
  for (const version of ["2.6.12", "2.6.19", "2.7.12", "2.8.11", "3.0.5", "3.1-dev9", null]) {
    assert.match(obstacleInRelease({ ...safe, frontends: [limit] }, version) ?? "", /frontend "f"/);
  }
  for (const version of ["2.6.20", "2.8.16", "3.0.6", "3.1.0", "3.4.7"]) {
    assert.equal(obstacleInRelease({ ...safe, frontends: [limit] }, version), null);
  }
});
