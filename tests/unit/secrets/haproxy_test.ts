/** What the installed HAProxy says about lines with secrets, and its own keywords. */
import assert from "node:assert/strict";
import { alertsOf } from "../../../lib/haproxy/failure/alerts.ts";
import { knownWord } from "../../../lib/secrets/masked_line.ts";
import { linesAround } from "../../../lib/status/excerpts.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { MARKER } from "../../support/secrets.ts";
import { SECRET_LINES, type SecretLine } from "./cases.ts";

Deno.test("no message of HAProxy about a line with a secret shows it", async () => {
  await using folder = new TempFolder();
  let refused = 0;
  for (const one of SECRET_LINES) {
    const path = folder.write("haproxy.cfg", configurationWith(one));
    const said = await haproxy(["-c", "-f", path]);
    const alerts = alertsOf(said);
    if (said.includes(MARKER)) refused++;
    assert.ok(
      !alerts.join("\n").includes(MARKER),
      `of ${one.line}:\n${said}\n${alerts.join("\n")}`,
    );
  }
  // Otherwise the lines prove nothing.
  assert.ok(refused > 80, `HAProxy repeats only ${refused} of the secrets`);
});

Deno.test("no secret is shown around a line that HAProxy names", () => {
  const text = SECRET_LINES.map(({ line }) => line).join("\n");
  for (let line = 1; line <= SECRET_LINES.length; line++) {
    const shown = linesAround(text, line).map(({ text }) => text).join("\n");
    assert.ok(!shown.includes(MARKER), shown);
  }
});

Deno.test("HAProxy's own keywords are known, except for a few newer ones", async () => {
  const listed = await haproxy(["-dKall", "-q", "-c", "-f", "/dev/null"]);
  const found = KINDS.flatMap((kind) => Array.from(listed.matchAll(kind), ([, word = ""]) => word));
  assert.ok(found.length > 1_000, `only ${found.length} keywords found in ${listed.slice(0, 500)}`);
  const unknown = found.filter((word) => knownWord(word) === null);
  assert.ok(unknown.length < 50, `not known: ${unknown.join(" ")}`);
});

/** How `haproxy -dKall` lists its keywords, from HAProxy 2.6 on. */
const KINDS = [
  /^\t([a-z.][\w.-]*)(?: \+1)?$/gm,
  /^\tbind <addr> (?:ssl )?([\w-]+)/gm,
  /^\tserver <name> <addr> ([\w-]+)/gm,
  /^\toption ([\w-]+)/gm,
  /^\t(?:http-\w+|tcp-\w+ \w+) ([\w-]+)/gm,
  /^\[[ Y.]+\] ([\w.+-]+)/gm,
  /^([a-z][\w.-]*)(?:\([^)\n]*\))?: \w+ => \w+$/gm,
] as const;

/** Places the line where HAProxy accepts it, so that its message is about the line. */
function configurationWith({ section, line }: SecretLine): string {
  const inside = (name: SecretLine["section"]) => section === name ? `    ${line}` : "";
  return `global
    log stdout format raw daemon
${inside("global")}
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
${inside("defaults")}
userlist u
    user first insecure-password x
${inside("userlist")}
frontend fe
    bind 127.0.0.1:1
${inside("frontend")}
backend app
${
    /^(?:http|tcp)-check/.test(line)
      ? `    option ${line.startsWith("http") ? "httpchk" : "tcp-check"}`
      : ""
  }
${inside("backend")}
${section === "own" ? line : ""}
`;
}

async function haproxy(args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("haproxy", { args: [...args] }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
