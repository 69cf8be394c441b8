import assert from "node:assert/strict";
import { describeStatusAddress, readStatusAddress } from "../../../lib/settings/status_address.ts";

const ADDRESSES = {
  "127.0.0.1:9101": [{ tag: "tcp", hostname: "127.0.0.1", port: 9101 }, "http://127.0.0.1:9101/"],
  "[::1]:9101": [{ tag: "tcp", hostname: "::1", port: 9101 }, "http://[::1]:9101/"],
  ":0": [{ tag: "tcp", hostname: "0.0.0.0", port: 0 }, "http://0.0.0.0:0/"],
  "my-host.test:65535": [
    { tag: "tcp", hostname: "my-host.test", port: 65_535 },
    "http://my-host.test:65535/",
  ],
  "unix:/run/a//b.sock": [{ tag: "unix", path: "/run/a/b.sock" }, "unix:/run/a/b.sock"],
} as const;

for (const [text, [address, description]] of Object.entries(ADDRESSES)) {
  Deno.test(`the address ${text} is parsed and formatted`, () => {
    assert.deepEqual(readStatusAddress(text), address);
    assert.equal(describeStatusAddress(address), description);
  });
}

for (
  const text of [
    ..."9101 127.0.0.1 127.0.0.1: 127.0.0.1:65536 127.0.0.1:123456 ::1:9101 [::1] unix:".split(" "),
    ..."unix:run/a.sock http://127.0.0.1:9101 a:b:1 /run/a.sock 127.0.0.1:9101/".split(" "),
  ]
) {
  Deno.test(`"${text}" is not an address`, () => assert.equal(readStatusAddress(text), null));
}
