import assert from "node:assert/strict";
import { wantsServerState } from "../../lib/loaded/server_state_words.ts";

const LOAD = "defaults\n  load-server-state-from-file global";
const OWN = "global\n  server-state-file /state";

const CONFIGURATIONS: Readonly<Record<string, readonly [wanted: boolean, ...texts: string[]]>> = {
  "no word of it": [false, "defaults\n  mode http"],
  "in defaults": [true, LOAD],
  "in a proxy": [true, "backend a\n  load-server-state-from-file global # as it was"],
  "in quotes": [true, "backend a\n  'load-server-state-from-file' \"global\""],
  "from files of their own": [false, "defaults\n  load-server-state-from-file local"],
  "from none": [false, "defaults\n  load-server-state-from-file none"],
  "in a comment": [false, "defaults\n  # load-server-state-from-file global"],
  "from both": [true, `${LOAD}\nbackend a\n  load-server-state-from-file local`],
  "a file of the user's": [false, `${OWN}\n${LOAD}`],
  "a file of the user's below": [false, `${LOAD}\n${OWN}`],
  "a file of the user's in an earlier file": [false, OWN, LOAD],
  "a file of the user's in a later file": [false, LOAD, OWN],
  "a file of the user's in a comment": [true, `global\n  #server-state-file /state\n${LOAD}`],
  "only a base of the user's": [true, `global\n  server-state-base /states\n${LOAD}`],
  "only a name for one proxy": [true, `${LOAD}\nbackend a\n  server-state-file-name a.state`],
  "in the branch of a condition": [true, `.if defined(X)\n${LOAD}\n.else\ndefaults\n.endif`],
  "a file of the user's in a branch": [false, `.if defined(X)\n${OWN}\n.endif\n${LOAD}`],
  "by a variable": [true, 'defaults\n  load-server-state-from-file "${MODE}"'],
  "by a variable that was set": [
    ...[false, "global\n  setenv MODE local"] as const,
    'defaults\n  load-server-state-from-file "$MODE"',
  ],
  "by a variable set in an earlier file": [
    ...[true, "global\n  setenv WHICH global"] as const,
    'defaults\n  load-server-state-from-file "$WHICH"',
  ],
  "by a variable that nobody knows": [
    ...[false, 'defaults\n  load-server-state-from-file "$NEVER"'] as const,
  ],
};

for (const [what, [wanted, ...texts]] of Object.entries(CONFIGURATIONS)) {
  Deno.test(`the servers' state is ${wanted ? "" : "not "}to be provided: ${what}`, () => {
    const files = texts.map((text, index) => ({ path: `/${index}.cfg`, text }));
    assert.equal(wantsServerState(files, { MODE: "global" }), wanted);
  });
}
