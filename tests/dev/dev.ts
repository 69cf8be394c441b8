/** Runs the wrapper from source on the example beside this file: `deno task dev`. */
import { PROGRAM_OPTIONS, runDeno } from "./deno.ts";

console.log(
  "HAProxy will serve http://127.0.0.1:8080/ as tests/dev/haproxy.cfg says, and the wrapper's status is on\n" +
    "http://127.0.0.1:9101/. Edit that file, for instance its last line, and look again; Ctrl-C ends it.",
);
const words = ["--status-listen", "127.0.0.1:9101", "-f", "tests/dev/haproxy.cfg"];
Deno.exit(await runDeno(["run", ...PROGRAM_OPTIONS, "main.ts", ...words]));
