/** Which versions slow the serving process while they drain. */
import assert from "node:assert/strict";
import { slowdownBy } from "../../../../lib/haproxy/drain/slowdown.ts";

/** By the version in `show info`; `null` if it is not affected or unknown. */
const FIXED_IN: Readonly<Record<string, string | null>> = {
  "2.4.0-6cbbecf09": "3.2.0",
  "2.6.0": "2.6.22",
  "2.6.12-1+deb12u4": "2.6.22",
  "2.6.21": "2.6.22",
  "2.6.22": null,
  "2.6.22-1~bpo12+1": null,
  "2.6.100": null,
  "2.7.12": "3.2.0",
  "2.8.5-1ubuntu3.4": "2.8.15",
  "2.8.14-c23fe91": "2.8.15",
  "2.8.15": null,
  "2.9.7": "3.2.0",
  "3.0.8-1": "3.0.9",
  "3.0.9": null,
  "3.0.11-1+deb13u3": null,
  "3.0-dev5": "3.0.9",
  "3.1.2": "3.2.0",
  "3.1-dev1-a1b2c3": "3.2.0",
  "3.2-dev3-1234567": null,
  "3.2.0-e134140d2": null,
  "3.10.1": null,
  "4.0.0": null,
  "2.6": "2.6.22",
  "2.6x": null,
  "custom": null,
  "": null,
};

for (const [version, fixedIn] of Object.entries(FIXED_IN)) {
  Deno.test(`a draining HAProxy "${version}": fixed in ${fixedIn}`, () => {
    assert.deepEqual(slowdownBy(version), fixedIn === null ? null : { version, fixedIn });
  });
}

Deno.test("nothing is known about a process that does not say its version", () => {
  assert.equal(slowdownBy(null), null);
});
