/** Masked messages show no possible secret, but why HAProxy refuses something. */
import assert from "node:assert/strict";
import { maskedMessage } from "../../../lib/secrets/masked_message.ts";
import { MARKER } from "../../support/secrets.ts";
import { linesOf } from "./cases.ts";

const SECRETS = [
  `unknown keyword '§' in 'backend' section`,
  `unknown keyword 'a § b' in 'backend' section`,
  `unexpected 'Basic §'`,
  `unexpected 'Basic § it's'`,
  `unexpected 'Basic ' §'`,
  `unexpected '§`,
  `unexpected "§`,
  `unexpected <§`,
  `unexpected <a>b §>`,
  `unexpected '"§"' here`,
  `unexpected "'§'" here`,
  `unexpected '' § '' here`,
  `found § here`,
  `found § `,
  `found: §.`,
  `got §:1 in [§:2]`,
  `got [§] and (§) and {§}`,
  `value/§ value-§ value=§ value_§`,
  `cannot parse https://user:§@host/ in rule`,
  `cannot open https://user:§@host/`,
  `Lua: [string "core"]: runtime error: §`,
  `Lua runtime error: bad password "§" for user`,
  `'server app/s1' : unknown keyword '§'`,
  `'http-request set-var(§)' rule`,
  `'http-request set-header § x' rule`,
  `failed to parse sample expression <hmac(sha256,§)]>`,
  `failed to parse sample expression <§>`,
  `in ACL expression '§,lower'`,
  `in ACL expression 'req.hdr(§),lower'`,
  `'§ x' is not a valid IPv4 or IPv6 address`,
  `invalid port number '80§' in 'ipv4@127.0.0.1:80§'`,
  `could not resolve address '§ x'`,
  `could not resolve address 'u§@host'`,
  `server 'a §' : x`,
  `backend '§!'`,
  `section '§ §'`,
  `unknown stats parameter '§', expects 'admin'`,
  `   | §`,
  `   | unexpected '§'`,
  `http-request set-header Authorization "Basic §`,
].map((message) => message.replaceAll("§", MARKER));

for (const message of SECRETS) {
  for (const prefix of ["", "[ALERT]    (12) : config : parsing [/etc/haproxy.cfg:3] : "]) {
    Deno.test(`no secret is shown of: ${prefix}${message}`, () => {
      const shown = maskedMessage(`${prefix}${message}`);
      assert.ok(!shown.includes(MARKER), shown);
    });
  }
}

/** As HAProxy 2.6 and 3.4 write them, each followed by what is shown of it, if that differs. */
for (const pair of linesOf("messages.txt").join("\n").split("\n\n")) {
  const [message = "", shown = message] = pair.split("\n");
  Deno.test(`an operator reads why: ${shown}`, () => assert.equal(maskedMessage(message), shown));
}
