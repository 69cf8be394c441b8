import assert from "node:assert/strict";
import { checkArguments, startArguments } from "../../../../lib/haproxy/process/arguments.ts";
import {
  type HaproxyArguments,
  readHaproxyArguments,
} from "../../../../lib/settings/haproxy_arguments.ts";

const DEFAULT = "/default.cfg";
const INJECTED = { first: "/first", last: "/last" };

/** Reads the words of `line`, which must cause no problem. */
function read(line: string): HaproxyArguments {
  const { arguments: words, problems } = readHaproxyArguments(split(line), DEFAULT);
  assert.deepEqual(problems, []);
  return words;
}

const split = (line: string) => line.split(" ").filter((word) => word !== "");

/** For each command line: the files it loads, and the words of a start, a takeover and a check. */
const LINES: Readonly<
  Record<string, { loads: string; starts: string; takesOver: string; checks: string }>
> = {
  "": {
    loads: "/default.cfg",
    starts: "-db -f /first -f /default.cfg -f /last",
    takesOver: "-db -x /s -f /first -f /default.cfg -f /last",
    checks: "-c -f /first -f /default.cfg -f /last",
  },
  "-V -n 5": {
    loads: "/default.cfg",
    starts: "-db -f /first -V -n 5 -f /default.cfg -f /last",
    takesOver: "-db -x /s -f /first -V -n 5 -f /default.cfg -f /last",
    checks: "-c -f /first -V -n 5 -f /default.cfg -f /last",
  },
  "-f a -dM -f b": {
    loads: "a b",
    starts: "-db -f /first -f a -dM -f b -f /last",
    takesOver: "-db -x /s -f /first -f a -dM -f b -f /last",
    checks: "-c -f /first -f a -dM -f b -f /last",
  },
  "-dt h1 -f a -dt -n 5 -dtx": {
    loads: "a",
    starts: "-db -f /first -dt h1 -f a -dt -n 5 -dtx -f /last",
    takesOver: "-db -x /s -f /first -dt h1 -f a -dt -n 5 -dtx -f /last",
    checks: "-c -f /first -dt h1 -f a -dt -n 5 -dtx -f /last",
  },
  "-file a -f a -f b": {
    loads: "a b",
    starts: "-db -f /first -f a -f b -f /last",
    takesOver: "-db -x /s -f /first -f a -f b -f /last",
    checks: "-c -f /first -f a -f b -f /last",
  },
  "-f a -- -D b": {
    loads: "a -D b",
    starts: "-db -f /first -f a -- -D b /last",
    takesOver: "-db -x /s -f /first -f a -- -D b /last",
    checks: "-c -f /first -f a -- -D b /last",
  },
  "-V --": {
    loads: "/default.cfg",
    starts: "-db -f /first -V -f /default.cfg -f /last",
    takesOver: "-db -x /s -f /first -V -f /default.cfg -f /last",
    checks: "-c -f /first -V -f /default.cfg -f /last",
  },
};

for (const [line, { loads, starts, takesOver, checks }] of Object.entries(LINES)) {
  Deno.test(`"haproxy ${line}" is extended for a start, a takeover and a check`, () => {
    const words = read(line);
    assert.deepEqual(words.configurations, split(loads));
    assert.deepEqual(startArguments(words, INJECTED, null), split(starts));
    assert.deepEqual(startArguments(words, INJECTED, "/s"), split(takesOver));
    assert.deepEqual(checkArguments(words, INJECTED), split(checks));
  });
}

Deno.test("-C is the directory from which HAProxy loads, and is passed on", () => {
  const words = read("-C /etc/haproxy -f a");
  assert.equal(words.directory, "/etc/haproxy");
  assert.deepEqual(words.options, ["-C", "/etc/haproxy", "-f", "a"]);
});

Deno.test("without -C there is no directory", () => assert.equal(read("-f a").directory, null));

const REFUSED: readonly (readonly [line: string, problems: readonly RegExp[], options: string])[] =
  [
    ["-f a -D", [/^"-D" is refused: .* not as a daemon/], "-f a"],
    ["-W -f a", [/^"-W" is refused/], "-f a"],
    ["-Ws -f a", [/^"-Ws" is refused/], "-f a"],
    ["-S /master -f a", [/^"-S" is refused/], "-f a"],
    ["-sf 1 2 3 -f a", [/^"-sf" is refused/], "-f a"],
    ["-st 1 2 3", [/^"-st" is refused/], "-f /default.cfg"],
    ["-sf -f a", [/^"-sf" is refused/], "-f a"],
    ["-x /s -f a", [/^"-x" is refused.*--socket/], "-f a"],
    ["-c -f a", [/^"-c" is refused.*--check/], "-f a"],
    ["-p /pid -f a", [/^"-p" is refused/], "-f a"],
    ["-q -f a", [/^"-q" is refused/], "-f a"],
    ["a -f b", [/^unexpected word "a": HAProxy wants a flag there/], "-f b"],
    ["-Ds -f a", [/^"-Ds" is refused: .* not as a daemon/], "-f a"],
    ["-Wx -f a", [/^"-Wx" is refused/], "-f a"],
    ["-sfx 1 2 -f a", [/^"-sfx" is refused/], "-f a"],
    ["-cc 1 -f a", [/^"-cc" is refused.*--check/], "-f a"],
    ["-quiet -f a", [/^"-quiet" is refused/], "-f a"],
    ["-pid /pid -f a", [/^"-pid" is refused/], "-f a"],
    ["-f", [/^"-f" wants a value, found none$/], "-f /default.cfg"],
    ["-D -W -f a", [/^"-D" is refused/, /^"-W" is refused/], "-f a"],
  ];

for (const [line, expected, options] of REFUSED) {
  Deno.test(`"haproxy ${line}" is refused, and its other words are read`, () => {
    const { arguments: words, problems } = readHaproxyArguments(split(line), DEFAULT);
    assert.equal(problems.length, expected.length);
    expected.forEach((pattern, index) => assert.match(problems[index]!, pattern));
    assert.deepEqual(words.options, split(options));
  });
}

Deno.test("a flag's value is taken, whatever it looks like", () => {
  assert.deepEqual(read("-f -D -L -- -f -x").configurations, ["-D", "-x"]);
});

for (const flag of ["-v", "-vv", "-vq"]) {
  Deno.test(`${flag} makes HAProxy print`, () => {
    assert.equal(readHaproxyArguments(["-f", "a", flag], DEFAULT).prints, flag);
  });
}

Deno.test("another flag's value does not make HAProxy print", () => {
  assert.equal(readHaproxyArguments(["-L", "-v", "-dv"], DEFAULT).prints, null);
});
