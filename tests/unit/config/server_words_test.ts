import assert from "node:assert/strict";
import {
  fixedOptions,
  literalAddress,
  readDefaults,
  readServer,
  valuesOf,
} from "../../../lib/config/server_words.ts";

const options = (words: string) => readServer(`server s 10.0.0.1:80 ${words}`, [])?.options ?? null;

Deno.test("a server's words are read with the values that belong to them", () => {
  assert.deepEqual(readServer("server s1 10.0.0.1:80 check weight 5 # old", [["inter", "2s"]]), {
    name: "s1",
    address: "10.0.0.1:80",
    options: [["inter", "2s"], ["check"], ["weight", "5"]],
  });
  assert.deepEqual(readDefaults("default-server inter 2s"), [["inter", "2s"]]);
});

Deno.test("a value may be a keyword as well", () => {
  assert.deepEqual(options("cookie disabled check"), [["cookie", "disabled"], ["check"]]);
});

for (
  const words of [
    ...["nonsense", "weight", 'sni "str(a)"', "cookie 'a'", "cookie a\\ b", "source 1.1.1.1"],
  ]
) {
  Deno.test(`nobody knows what "${words}" means`, () => assert.equal(options(words), null));
}

Deno.test("the last of several values counts", () => {
  const server = readServer("server s a:1 weight 7 enabled", [
    ["weight", "3"],
    ["maxconn", "9"],
    ["disabled"],
  ])!;
  assert.deepEqual(valuesOf(server), { weight: 7, maxconn: 9, isDisabled: false });
  assert.deepEqual(fixedOptions(server), []);
  const bare = { name: "s", address: "a:1", options: [] };
  assert.deepEqual(valuesOf(bare), { weight: 1, maxconn: 0, isDisabled: false });
});

for (const words of ["weight 257", "weight 07", "weight -1", "weight x", "maxconn 1e3"]) {
  Deno.test(`"${words}" is no plain value`, () => {
    assert.equal(valuesOf(readServer(`server s a:1 ${words}`, [])!), null);
  });
}

for (
  const [word, ip, port] of [
    ["10.0.0.1:80", "10.0.0.1", 80],
    ["[::1]:65535", "::1", 65_535],
    ["[2001:DB8:0::1]:1", "2001:db8::1", 1],
  ] as const
) {
  Deno.test(`${word} is a literal address`, () => {
    assert.deepEqual(literalAddress(word), { ip, port });
  });
}

for (
  const word of [
    ...["10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:+1", "10.0.0:80", "10.0.0.256:80"],
    ...[
      "010.0.0.1:80",
      "0.0.0.0:80",
      "[::]:80",
      "::1:80",
      "host:80",
      "unix@/s",
      "ipv4@10.0.0.1:80",
    ],
    ...["10.0.0.1:080", "*:80", ":80", "[::1%lo]:80", "[1]:80"],
  ]
) {
  Deno.test(`${word} is none`, () => assert.equal(literalAddress(word), null));
}
