/** Maps and ACLs that are hot-applied. */
import assert from "node:assert/strict";
import { commonTest } from "../../support/wrapper/program.ts";
import {
  isLastReload,
  quoted,
  Secured,
  TOGETHER,
  withoutReload,
} from "../../support/wrapper/secured.ts";
import { waitFor } from "../../support/wait.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** A workspace that answers each path from the file `site.map`, or with "listed" if it is in `site.lst`. */
class Mapped extends Secured {
  readonly map = this.write("site.map", "/a one\n");
  readonly list = this.write("site.lst", "/listed\n");

  mapPage(text = "one", converter = "path,map"): string {
    const answer = "http-request return status 200 content-type text/plain";
    const rules = `    ${answer} string listed if { path -f ${this.list} }
    ${answer} lf-string "%[${converter}(${this.map},none)]" unless { path / }
`;
    return this.page(text).replace("    http-request", `${rules}    http-request`);
  }

  /** Waits until the path is answered with `text`. */
  async answers(path: string, text: string, wrapper: Wrapper): Promise<void> {
    await wrapper.until(`${path} to be ${text}`, async () => await this.getPath(path) === text);
  }

  /** The entries of the map or ACL from that file in a generation, in their order. */
  async entries(kind: "map" | "acl", generation = 1): Promise<string[]> {
    const path = kind === "map" ? this.map : this.list;
    const shown = await this.askPrivately(`show ${kind} ${path}`, generation);
    return shown.trim().split("\n").map((line) => line.replace(/^0x\S+ /, ""));
  }
}

const lines = (count: number, value: string) =>
  Array.from({ length: count }, (_, number) => `/key${number} ${value}-${number}\n`).join("");

commonTest("a map of 20,000 lines arrives complete, without a reload", async () => {
  await using workspace = new Mapped();
  const wrapper = await workspace.serveSecure(workspace.mapPage());
  await workspace.answers("/a", "one", wrapper);
  await withoutReload(wrapper, async () => {
    await workspace.replace(lines(20_000, "first"), workspace.map);
    await workspace.answers("/key19999", "first-19999", wrapper);
    const update = `map "${quoted(workspace.map)}" updated in generation 1 without a reload`;
    await wrapper.says(`info .*${update} in \\d+ ms \\(20000 entries\\)`);
  });
  for (const number of [0, 1, 299, 300, 7_777, 19_998]) {
    assert.equal(await workspace.getPath(`/key${number}`), `first-${number}`);
  }
  assert.equal(await workspace.getPath("/a"), "none");
  const entries = await workspace.entries("map");
  assert.deepEqual(entries, lines(20_000, "first").trim().split("\n"));
  assert.match(await workspace.askPrivately("show map"), /entry_cnt=20000/);
});

commonTest("no request sees a half-filled map", async () => {
  await using workspace = new Mapped();
  await workspace.replace(lines(20_000, "first"), workspace.map);
  const wrapper = await workspace.serveSecure(workspace.mapPage());
  const answers = new Set([await workspace.getPath("/key10000")]);
  await workspace.replace(lines(20_000, "second"), workspace.map);
  await waitFor("the new map", async () => {
    const answer = await workspace.getPath("/key10000");
    answers.add(answer);
    return answer === "second-10000";
  });
  assert.deepEqual([...answers], ["first-10000", "second-10000"], wrapper.output);
  await wrapper.stopsAt(1);
});

commonTest("an ACL of 20,000 lines arrives complete, without a reload", async () => {
  await using workspace = new Mapped();
  const wrapper = await workspace.serveSecure(workspace.mapPage());
  const paths = Array.from({ length: 20_000 }, (_, number) => `/new${number}`);
  await withoutReload(wrapper, async () => {
    await workspace.replace(`${paths.join("\n")}\n`, workspace.list);
    await workspace.answers("/new19999", "listed", wrapper);
    await wrapper.says(/ACL ".*" updated in generation 1 .*\(20000 entries\)/);
  });
  assert.deepEqual(await workspace.entries("acl"), paths);
  assert.equal(await workspace.getPath("/listed"), "none");
});

commonTest("an emptied map and an emptied list have no entries, without a reload", async () => {
  await using workspace = new Mapped();
  const wrapper = await workspace.serveSecure(workspace.mapPage());
  await withoutReload(wrapper, async () => {
    await workspace.replace("", workspace.map);
    await workspace.replace("# nobody\n", workspace.list);
    await workspace.answers("/a", "none", wrapper);
    await workspace.answers("/listed", "none", wrapper);
    await wrapper.says(/map ".*\(0 entries\)/);
    await wrapper.says(/ACL ".*\(0 entries\)/);
    await workspace.replace("/a again\n", workspace.map);
    await workspace.answers("/a", "again", wrapper);
  });
});

commonTest("a key without a value requires one reload, and the log says why", async () => {
  await using workspace = new Mapped();
  const wrapper = await workspace.serveSecure(workspace.mapPage());
  await workspace.replace("/a two\n/b\n", workspace.map);
  await workspace.answers("/a", "two", wrapper);
  await wrapper.says(/cannot hot-apply to generation 1, reloading: .*no value/);
  await wrapper.says(/generation 2 serves.*site\.map/);
  await isLastReload(wrapper, { generation: 2, marker: workspace.mapPage("marker") });
});

commonTest("a map and the configuration that change together cause one reload", async () => {
  await using workspace = new Mapped();
  const wrapper = await workspace.serveSecure(workspace.mapPage(), TOGETHER);
  await workspace.replace("/a two\n", workspace.map);
  await workspace.replace(workspace.mapPage("two"));
  await workspace.serves("two", wrapper);
  await workspace.answers("/a", "two", wrapper);
  await wrapper.says(/generation 2 serves.*haproxy\.cfg.*site\.map|site\.map.*haproxy\.cfg/);
  await isLastReload(wrapper, { generation: 2, marker: workspace.mapPage("marker") });
  assert.doesNotMatch(wrapper.output, / in place| without a reload/);
});

commonTest("an entry that HAProxy refuses is rejected, and the old entries stay", async () => {
  await using workspace = new Mapped();
  await workspace.replace("127.0.0.0/8 here\n", workspace.map);
  const wrapper = await workspace.serveSecure(workspace.mapPage("one", "src,map_ip"));
  await workspace.replace("127.0.0.0/8 there\nnowhere far\n", workspace.map);
  await wrapper.says(/generation 2 rejected.*generation 1 keeps serving/);
  assert.equal(await workspace.getPath("/x"), "here");
  assert.deepEqual(await workspace.entries("map"), ["127.0.0.0/8 here"]);
  await workspace.replace("127.0.0.0/8 there\n", workspace.map);
  await workspace.answers("/x", "there", wrapper);
});

/** What HAProxy may read in its own way, next to plain entries. */
const ODD_LINES: Readonly<Record<string, string>> = {
  "a comment and blank lines": "# comment\n\n   \n\t\n/b two",
  "an indented comment": "  # indented comment",
  "spaces inside a value": "/b two  three   four",
  "many blanks after the key": "/b \t  two",
  "a tab after the key": "/b\ttwo",
  "leading and trailing blanks": " \t /b two \t ",
  "a semicolon": "/b;c two;three;",
  "a backslash": "/b\\c two\\three \\",
  "a backslash and a blank": "/b\\ c two\\ three",
  "quotes": `/b"c' "two" 'three'`,
  "UTF-8": "/bé€😀 zwölf 😀",
  "a hash inside": "/b#c two # three",
  "variables": "/b$HOME ${HOME} %[src]",
  "what begins a payload": "/b << two <<\n<< three",
  "what ends several commands": "/b two; show info; clear map #0",
  "a version in front": "@1 two\n#0 three",
  "a key twice": "/b two\n/b three",
  "no newline at the end": "/b two\n/c three",
  "lines that end in CRLF": "/b two\r\n/c three\r",
  "a very long value": `/b ${"long ".repeat(2_000)}end`,
  "control characters": "/b two\x01\x1bthree",
};

commonTest("a hot apply gives the same result as a reload of the same file", async () => {
  await using workspace = new Mapped();
  const wrapper = await workspace.serveSecure(workspace.mapPage());
  const [different, reloaded]: string[][] = [[], []];
  for (const [name, odd] of Object.entries(ODD_LINES)) {
    for (const [kind, path] of [["map", workspace.map], ["acl", workspace.list]] as const) {
      const from = wrapper.output.length;
      const end = name.startsWith("no newline") ? "" : "\n";
      await workspace.replace(`/unique${from} x\n${odd}${end}`, path);
      const [said] = await wrapper.says(/ updated in generation .*|reloading: .*/, from);
      if (said.startsWith("reloading")) {
        reloaded!.push(`${kind} with ${name}: ${said}`);
        await wrapper.says(/generation \d+ serves.*changed: "/, from);
      }
      const inPlace = await workspace.entries(kind, wrapper.lastGeneration);
      const next = wrapper.lastGeneration + 1;
      wrapper.signal("SIGHUP");
      await wrapper.says(`generation ${next} serves`);
      const fresh = await workspace.entries(kind, wrapper.lastGeneration);
      if (JSON.stringify(inPlace) === JSON.stringify(fresh)) continue;
      different!.push(`${kind} with ${name}: ${JSON.stringify({ inPlace, fresh })}`);
    }
  }
  assert.deepEqual({ different, reloaded }, { different: [], reloaded: [] });
});
