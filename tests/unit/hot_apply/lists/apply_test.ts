import assert from "node:assert/strict";
import { readListLines, spellingOf } from "../../../../lib/config/list_lines.ts";
import { type Addition, applyLines } from "../../../../lib/hot_apply/lists/apply.ts";
import { compareLines } from "../../../../lib/hot_apply/lists/plan.ts";

interface Fault {
  /** The first words of a command, which is refused or not answered from then on. */
  readonly verb: string;
  readonly kind: "refused" | "lost";
  /** How many such commands are carried out before. */
  readonly after?: number;
}

/** What HAProxy's commands do to one list, as far as they are used. */
class Process {
  readonly commands: string[] = [];
  readonly lines: { readonly text: string; readonly number: number }[];
  readonly #fault: Fault | null;
  #seen = 0;
  #next: number;
  #isLost = false;

  constructor(lines: readonly string[], fault: Fault | null = null) {
    this.lines = lines.map((text, index) => ({ text, number: index + 1 }));
    this.#next = lines.length + 1;
    this.#fault = fault;
  }

  get texts(): readonly string[] {
    return this.lines.map(({ text }) => text);
  }

  readonly ask = (command: string): Promise<string | null> => {
    if (!command.startsWith("show")) this.commands.push(command);
    const isFaulty = command.startsWith(this.#fault?.verb ?? "none") &&
      this.#seen++ >= (this.#fault?.after ?? 0);
    this.#isLost ||= isFaulty && this.#fault?.kind === "lost";
    if (this.#isLost) return Promise.resolve(null);
    return Promise.resolve(isFaulty ? "Permission denied\n" : this.#carryOut(command));
  };

  #carryOut(command: string): string {
    const [head = "", payload = ""] = command.split(" <<\n");
    if (head.startsWith("add ssl crt-list")) {
      this.lines.push({ text: payload.trim(), number: this.#next++ });
      return "Inserting..\nSuccess!\n\n";
    }
    if (head.startsWith("del ssl crt-list")) {
      const [, name, number] = /(\S+):(\d+)$/.exec(head)!;
      const at = this.lines.findIndex((line) => line.number === Number(number));
      if (at < 0 || this.lines[at]!.text.split(" ")[0] !== name) return "Can't delete the entry\n";
      this.lines.splice(at, 1);
      return `Entry '${name}' deleted in crtlist 'l'!\n\n`;
    }
    if (head.startsWith("del ssl cert")) {
      return head.endsWith("/used.pem")
        ? "Can't remove the certificate: certificate '/used.pem' in use, can't be deleted!\n"
        : "Certificate 'x' deleted!\n";
    }
    const shown = this.lines.map(({ text, number }) => {
      const [name, ...rest] = text.replace(/(alpn \S+?)(?=[ \]])/, "$1\0").split(" ");
      return [`${name}:${number}`, ...rest].join(" ");
    });
    return `# l\n${shown.join("\n")}\n\n`;
  }
}

const OLD = ["/d.pem", "/a.pem x", "/used.pem"];

/** Gives a process that has read `OLD` other lines. */
function apply(
  next: readonly string[],
  process: Process,
  giveNew: Addition["giveNew"] = null,
) {
  const [before, after] = [OLD, next].map((lines) => readListLines([...lines, ""].join("\n"))!);
  const change = compareLines({ before: before!, after: after! });
  assert.ok(typeof change !== "string");
  const { added, kept, removed } = change;
  const left = new Set([...kept, ...added].map(({ path }) => path));
  return applyLines({
    list: "l",
    base: null,
    before: before!,
    after: after!,
    removed,
    additions: added.map((line) => ({ name: line.path, line: spellingOf(line), giveNew })),
    released: removed.map(({ path }) => path).filter((path) => !left.has(path)),
  }, process.ask);
}

Deno.test("a new line comes before an old one goes, whose certificate is deleted", async () => {
  const process = new Process(OLD);
  const next = ["/d.pem", "/c.pem [alpn h2 ssl-min-ver TLSv1.2] x", "/used.pem"];
  assert.deepEqual(await apply(next, process), { tag: "applied", deleted: ["/a.pem"] });
  assert.deepEqual(process.texts, ["/d.pem", "/used.pem", next[1]]);
  assert.deepEqual(process.commands, [
    `add ssl crt-list l <<\n${next[1]}\n`,
    "del ssl crt-list l /a.pem:2",
    "del ssl cert /a.pem",
  ]);
});

Deno.test("of two lines with a certificate the right one goes", async () => {
  const process = new Process(OLD);
  assert.deepEqual(await apply(["/d.pem", "/a.pem x y", "/used.pem"], process), {
    tag: "applied",
    deleted: [],
  });
  assert.deepEqual(process.texts, ["/d.pem", "/used.pem", "/a.pem x y"]);
});

Deno.test("a certificate that something else uses stays", async () => {
  const process = new Process(OLD);
  assert.deepEqual(await apply(OLD.slice(0, 2), process), { tag: "applied", deleted: [] });
});

Deno.test("a process with other lines than it has read is left alone", async () => {
  const process = new Process([...OLD, "/hand.pem"]);
  assert.equal((await apply([...OLD, "/c.pem"], process)).tag, "impossible");
  assert.deepEqual(process.commands, []);
});

const NEXT = ["/d.pem", "/used.pem", "/b.pem", "/c.pem"];

for (
  const [fault, tag, texts] of [
    [{ verb: "add ssl crt-list", kind: "refused" }, "impossible", OLD],
    [{ verb: "add ssl crt-list", kind: "refused", after: 1 }, "impossible", OLD],
    [{ verb: "add ssl crt-list", kind: "lost", after: 1 }, "unconfirmed", null],
    [{ verb: "del ssl crt-list", kind: "refused" }, "unconfirmed", null],
    [{ verb: "del ssl crt-list", kind: "lost" }, "unconfirmed", null],
    [{ verb: "del ssl cert", kind: "refused" }, "unconfirmed", null],
    [{ verb: "show ssl crt-list", kind: "lost" }, "impossible", OLD],
    [{ verb: "show ssl crt-list", kind: "lost", after: 2 }, "unconfirmed", null],
  ] as const
) {
  const { verb, kind, after = 0 } = { after: 0, ...fault };
  Deno.test(`it is ${tag} if "${verb}" is ${kind} after ${after} of them`, async () => {
    const process = new Process(OLD, fault);
    assert.equal((await apply(NEXT, process)).tag, tag);
    if (texts !== null) assert.deepEqual(process.texts, texts);
  });
}

Deno.test("a refusal to remove the only line that goes leaves what was before", async () => {
  // The first one is refused, the one that takes a new line back is not.
  const process = new Process(OLD);
  let isFirst = true;
  const ask = (command: string): Promise<string | null> => {
    const isRefused = isFirst && command.startsWith("del ssl crt-list");
    if (isRefused) isFirst = false;
    return isRefused
      ? Promise.resolve("it is used as default certificate\n")
      : process.ask(command);
  };
  const result = await apply(["/d.pem", "/used.pem", "/c.pem"], { ask } as unknown as Process);
  assert.equal(result.tag, "impossible");
  assert.deepEqual(process.texts, OLD);
});

Deno.test("what a new certificate lacks is told, and other new lines go again", async () => {
  const process = new Process(OLD);
  let isFirst = true;
  const giveNew = async () => {
    if (!isFirst) return { tag: "refused", reason: "has expired" } as const;
    isFirst = false;
    await process.ask("add ssl crt-list l <<\n/b.pem\n");
    return { tag: "applied" } as const;
  };
  const result = await apply([...OLD, "/b.pem", "/c.pem"], process, giveNew);
  assert.deepEqual(result, { tag: "impossible", reason: "has expired" });
  assert.deepEqual(process.texts, OLD);
  assert.ok(process.commands.includes("del ssl cert /b.pem"));
});

Deno.test("a new certificate of which nobody knows takes a reload", async () => {
  const giveNew = () => Promise.resolve({ tag: "unconfirmed", reason: "no answer" } as const);
  const result = await apply([...OLD, "/b.pem"], new Process(OLD), giveNew);
  assert.deepEqual(result, { tag: "unconfirmed", reason: "no answer" });
});
