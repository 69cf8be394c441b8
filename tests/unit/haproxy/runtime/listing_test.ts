import assert from "node:assert/strict";
import { createAsk } from "../../../../lib/haproxy/runtime/client.ts";
import {
  type ListedFile,
  listLoaded,
  parseListing,
} from "../../../../lib/haproxy/runtime/listing.ts";
import { pause } from "../../../support/wait.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { ScriptedHaproxy } from "../../../support/haproxy/scripted_haproxy.ts";

const namesOf = (tag: ListedFile["tag"], ...lines: readonly string[]) =>
  parseListing(tag, [...lines, "", ""].join("\n")).map(({ name }) => name);

Deno.test("certificates, CRLs and certificate lists are listed by name", () => {
  for (const tag of ["certificate", "crl_file", "certificate_list"] as const) {
    const names = ["/a b.pem", "@web/a", "/a\r\u2028"];
    assert.deepEqual(namesOf(tag, "# filename", ...names), names);
  }
});

Deno.test("an open transaction is not a file", () => {
  const lines = ["# transaction", "*/a.pem", "# filename", "/a.pem"];
  assert.deepEqual(namesOf("certificate", ...lines), ["/a.pem"]);
  assert.deepEqual(namesOf("ca_file", "*/ca.pem - 1 certificate(s)"), []);
});

Deno.test("a CA file is listed without its count, and HAProxy's own CA files are left out", () => {
  const lines = [
    "# filename",
    "@system-ca - 140 certificate(s)",
    "/a - 2 certificate(s) - 1 certificate(s)",
  ];
  assert.deepEqual(namesOf("ca_file", ...lines), ["/a - 2 certificate(s)"]);
});

Deno.test("the names of ticket keys are read from the brackets after the number", () => {
  const lines = ["# id (file)", "0 (/keys (1))", "1 ()", "nonsense"];
  assert.deepEqual(namesOf("ticket_keys", ...lines), ["/keys (1)"]);
});

/** The lines of HAProxy 2.6 and of 3.0. */
const PATTERNS = `# id (file) description
0 (/a.map) pattern loaded from file '/a.map' used by map at file '/h.cfg' line 7
-1 (/x) pattern loaded from file '/x' used by map at file '/h.cfg' line 8
12 (b (1).map) pattern loaded from file 'b (1).map' used by map at file '/h.cfg' line 9, by map at \
file '/h.cfg' line 10. curr_ver=0 next_ver=0 entry_cnt=2
2 () acl 'src' file '/h.cfg' line 11. curr_ver=0 next_ver=0 entry_cnt=1
3 (virt@made) pattern loaded from file 'virt@made' used by map at file '/h.cfg' line 12
`;

for (const tag of ["map", "acl"] as const) {
  Deno.test(`a file of kind ${tag} has a number; inline and virtual ones are not files`, () => {
    assert.deepEqual(parseListing(tag, PATTERNS), [
      { tag, name: "/a.map", id: 0 },
      { tag, name: "b (1).map", id: 12 },
    ]);
  });
}

Deno.test("lists that an old version lacks are empty, and so is an empty answer", () => {
  const unknown =
    "Unknown command: 'show ssl ca-file', but maybe one of the following is better:\n" +
    "  show ssl cert [<certfile>]\n";
  assert.deepEqual(parseListing("ca_file", unknown), []);
  assert.deepEqual(parseListing("crl_file", `\n${unknown}`), []);
  assert.deepEqual(parseListing("certificate", "\n"), []);
});

/** The answer to each command; others have none. */
const ANSWERS: Readonly<Record<string, string>> = {
  "show ssl cert": "# filename\n/a.pem\n\n",
  "show ssl ca-file": "# filename\n/ca.pem - 1 certificate(s)\n\n",
  "show ssl crl-file": "Unknown command: 'show ssl crl-file'\n",
  "show ssl crt-list": "/list\n\n",
  "show map": "0 (/a.map) pattern loaded from file '/a.map' used by map\n",
  "show acl": "1 (/a.acl) pattern loaded from file '/a.acl' used by acl\n",
  "show tls-keys": "# id (file)\n0 (/keys)\n\n",
};

Deno.test("the process is asked once for each kind, in order", async () => {
  await using folder = new TempFolder();
  const socket = folder.at("socket");
  await using haproxy = new ScriptedHaproxy(socket, (command) => ANSWERS[command] ?? "");
  assert.deepEqual(await listLoaded(createAsk(socket)), [
    { tag: "certificate", name: "/a.pem" },
    { tag: "ca_file", name: "/ca.pem" },
    { tag: "certificate_list", name: "/list" },
    { tag: "map", name: "/a.map", id: 0 },
    { tag: "acl", name: "/a.acl", id: 1 },
    { tag: "ticket_keys", name: "/keys" },
  ]);
  assert.deepEqual(haproxy.commands, Object.keys(ANSWERS));
});

Deno.test("without an answer, or after an abort, the result is null", async () => {
  await using folder = new TempFolder();
  assert.equal(await listLoaded(createAsk(folder.at("nobody"))), null);
  const socket = folder.at("socket");
  await using _ = new ScriptedHaproxy(socket, (command) => ANSWERS[command] ?? "");
  assert.equal(await listLoaded(createAsk(socket, AbortSignal.abort())), null);
});

Deno.test("each command waits for the previous answer", async () => {
  await using folder = new TempFolder();
  using listener = Deno.listen({ transport: "unix", path: folder.at("socket") });
  let [open, most] = [0, 0];
  const answer = async (connection: Deno.UnixConn) => {
    most = Math.max(most, ++open);
    await connection.read(new Uint8Array(100));
    await pause(5);
    open--;
    connection.close();
  };
  const listed = listLoaded(createAsk(folder.at("socket")));
  const answers = [];
  for (const _ of Object.keys(ANSWERS)) answers.push(answer(await listener.accept()));
  await Promise.all(answers);
  assert.deepEqual(await listed, []);
  assert.equal(most, 1);
});

Deno.test("a list of more files than can be tracked counts as no answer", async () => {
  await using folder = new TempFolder();
  const many = Array.from({ length: 20_001 }, (_, index) => `/${index}.pem`).join("\n");
  const socket = folder.at("socket");
  await using _ = new ScriptedHaproxy(socket, (command) => command === "show ssl cert" ? many : "");
  assert.equal(await listLoaded(createAsk(socket)), null);
});
