/** The page of each state, as text. */
import assert from "node:assert/strict";
import { statusPage } from "../../../../lib/status/page/page.ts";
import type { Snapshot } from "../../../../lib/status/history/snapshot.ts";
import { type Verdict, verdictOf } from "../../../../lib/status/page/verdict.ts";
import { change, content, live, MINUTE_MS, NOW_MS, SAMPLES, snapshot } from "../samples.ts";

const VERDICTS = {
  starting: ["busy", "Starting", "Generation 1 is starting; nothing serves yet."],
  respawning: [
    "bad",
    "Respawning",
    "Generation 7 was killed by SIGSEGV while serving. Generation 8 is starting in its place; " +
    "nothing serves until then.",
  ],
  fresh: [
    "well",
    "Serving",
    "Generation 1 has served for 40 s; nothing has changed since the start.",
  ],
  serving: ["well", "Serving", "Generation 7 has served for 3 h 12 min; the last change is live."],
  degraded: [
    "degraded",
    "Degraded",
    "Generation 7 serves; the change of 14:03:12 UTC was rejected: haproxy exited with 1 before it " +
    "was ready; retry when a file changes.",
  ],
  retrying: [
    "degraded",
    "Degraded",
    "Generation 7 serves; the change of 13:58:20 UTC was rejected: haproxy exited with 1 before it " +
    "was ready; retry in 8 s.",
  ],
  lastGood: [
    "degraded",
    "Degraded",
    "Generation 2 serves the last good files (of 21 Nov 12:03:20 UTC); what is on disk does not " +
    "start: haproxy exited with 1 before it was ready; retry when a file changes.",
  ],
  delaying: [
    "busy",
    "Serving, changing",
    "Generation 7 has served for 3 h 12 min; a new change waits 3 s (--min-reload-interval).",
  ],
  delayingForTables: [
    "busy",
    "Serving, changing",
    "Generation 7 has served for 3 h 12 min; the reload by SIGHUP waits at most 3 s until its " +
    "stick-tables can be passed on.",
  ],
  delayingForRenewal: [
    "busy",
    "Serving, changing",
    "Generation 7 has served for 3 h 12 min; a new change waits at most 20 s until it has obtained " +
    "the certificate that it has ordered.",
  ],
  reloading: [
    "busy",
    "Serving, changing",
    "Generation 7 has served for 3 h 12 min; generation 8 is starting.",
  ],
  hot_applying: [
    "busy",
    "Serving, changing",
    "Generation 7 has served for 3 h 12 min; changed files are being hot-applied.",
  ],
  leaving: [
    "leaving",
    "Leaving",
    "Not ready: generation 7 serves for another 4 s, then finishes its connections.",
  ],
  draining: [
    "leaving",
    "Draining",
    "No new connections: 3 processes finish theirs, then the wrapper exits with 0.",
  ],
  stopping: [
    "bad",
    "Stopping",
    "All HAProxy processes are being stopped; the wrapper exits with 143.",
  ],
  notStarted: [
    "bad",
    "Stopping",
    "Generation 1 did not start: haproxy exited with 1 before it was ready; nothing serves; " +
    "the wrapper exits with 1.",
  ],
  ended: ["bad", "Ended", "All HAProxy processes are gone; the wrapper exits with 0."],
} as const satisfies Readonly<
  Record<string, readonly [Verdict["tone"], Verdict["word"], Verdict["sentence"]]>
>;

for (const [name, [tone, word, sentence]] of Object.entries(VERDICTS)) {
  Deno.test(`the banner of "${name}" has a word, a sentence and a colour`, () => {
    const page = statusPage(SAMPLES[name as keyof typeof VERDICTS]);
    has(page, `<body class="${tone}">`);
    has(page, `<h1>${word}</h1>`);
    has(page, `<p>${sentence}</p>`);
    has(page, `<title>${word}`);
  });
}

Deno.test("every sample is a complete page that reloads itself and runs nothing", () => {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    const page = statusPage(sample);
    assert.ok(page.startsWith("<!DOCTYPE html>"), name);
    has(page, '<html lang="en">');
    has(page, '<meta http-equiv="refresh" content="5">');
    has(page, '<meta name="viewport" content="width=device-width, initial-scale=1">');
    assert.doesNotMatch(page, /<script|\son\w+=|https?:(?!\/\/)|undefined|NaN|\[object/, name);
    assert.doesNotMatch(page, /<tbody[^>]*>\s*<\/tbody>|<ul[^>]*>\s*<\/ul>/, name);
  }
});

Deno.test("the title names the generation that serves", () => {
  has(statusPage(SAMPLES.degraded), "<title>Degraded, generation 7 - HAProxy</title>");
  has(statusPage(SAMPLES.ended), "<title>Ended - HAProxy</title>");
});

Deno.test("a revert is not called a change that went live", () => {
  const changes = [change({ generation: 8, result: "failure", failure: "no" }), change()];
  assert.match(
    sentenceOf(snapshot({ history: { changes } })),
    /the last change was rejected and reverted/,
  );
});

Deno.test("without watching, changes wait for a signal", () => {
  const settings = { watch: false };
  assert.match(sentenceOf(snapshot({ settings })), /; changes wait for a signal\.$/);
  const { state, history, excerpts } = SAMPLES.degraded;
  const degraded = snapshot({ state, history, excerpts, settings });
  assert.match(sentenceOf(degraded), /; retry at the next signal\.$/);
});

Deno.test("a failure stays while something else is tried", () => {
  const { history } = SAMPLES.degraded;
  const reloading = snapshot({ state: SAMPLES.reloading.state, history });
  assert.equal(verdictOf(reloading).tone, "degraded");
  assert.match(sentenceOf(reloading), /; generation 8 is starting\.$/);
});

Deno.test("a retry that is due waits only for quiet files", () => {
  const { state, history } = SAMPLES.retrying;
  const late = snapshot({ state, history: { ...history, timerDueMs: NOW_MS - 1 } });
  assert.match(sentenceOf(late), /; retry as soon as the files are quiet\.$/);
});

Deno.test("a reload that waits for new files to be whole is not a failure", () => {
  const { state } = SAMPLES.retrying;
  assert.ok(state.name === "retrying");
  const { service } = state;
  const rejected = { ...service.rejected!, generation: null, awaited: { sinceMs: 0 } };
  const waiting = snapshot({
    state: { ...state, service: { ...service, rejected } },
    history: { timerDueMs: NOW_MS + 4_000 },
  });
  assert.equal(verdictOf(waiting).tone, "busy");
  assert.match(sentenceOf(waiting), /; a reload waits at most 4 s for new files to be whole\.$/);
});

Deno.test("a failure shows HAProxy's lines, marks the failing line, and says what had changed", () => {
  const page = statusPage(SAMPLES.degraded);
  has(page, "Why the last change did not go live");
  has(page, "unknown keyword &#39;bnd&#39; in &#39;frontend&#39; section");
  assert.match(page, /<mark><span class="margin">&#62; 14<\/span> {6}bnd :443/);
  assert.match(page, /<span><span class="margin"> {2}15<\/span>/);
  assert.match(page, /<dt>Changed<\/dt>\s*<dd><ul class="paths"><li><code>\/usr\/local/);
  assert.match(page, /<dt>Wanted<\/dt>/);
});

Deno.test("what serves is shown with its process, content and files", () => {
  const page = statusPage(SAMPLES.serving);
  for (
    const [name, value] of [["Generation", "7"], ["PID", "1007"], ["HAProxy", "3.4.1-7f3a9c2"]]
  ) {
    assert.match(page, new RegExp(`<dt>${name}</dt>\\s*<dd>${value}</dd>`));
  }
  assert.match(page, /<dt>Content<\/dt>\s*<dd><code>[\da-f]{12}<\/code><\/dd>/);
  has(page, "<li><code>/certs/shop.example.com/tls.key</code>");
  assert.doesNotMatch(page, /<dt>Wanted<\/dt>|Why /);
});

Deno.test("missing and unreadable files are shown as such, and a long list is cut", () => {
  const files = new Map(
    Array.from({ length: 600 }, (_, index) => [
      `/certs/${index}.pem`,
      { content: index === 0 ? "missing" : "unreadable 1 2 3", modifiedMs: 0, stamp: "" },
    ]),
  );
  const page = statusPage(serving({ fingerprint: { digest: "d", files } }));
  has(page, '<li><code>/certs/0.pem</code> <span class="aside">missing</span></li>');
  has(page, '<span class="aside">unreadable</span>');
  has(page, "and 100 more, see --list-watched");
});

Deno.test("unknown values are shown as unknown", () => {
  const page = statusPage(
    serving({ fingerprint: null, changedDuringRead: true }, { processes: new Map() }),
  );
  has(page, "<p>Generation 7 serves; the last change is live.</p>");
  assert.match(page, /<dt>PID<\/dt>\s*<dd>unknown<\/dd>/);
  has(page, "unknown <span");
  has(page, "(changed during the read)");
  has(
    statusPage(snapshot({ history: { changes: [change({ changed: null })] } })),
    "files unknown",
  );
});

Deno.test("an old process is shown with its connections, if they are known", () => {
  const page = statusPage(SAMPLES.draining);
  assert.match(page, /<th scope="row">5<\/th>\s*<td>1005<\/td>[\s\S]*?<td>2<\/td>/);
  assert.match(page, /<th scope="row">6<\/th>\s*<td>1006<\/td>[\s\S]*?<td>unknown<\/td>/);
  has(page, "each is stopped after 30 min");
});

Deno.test("if nothing has happened, words replace the tables", () => {
  const page = statusPage(SAMPLES.starting);
  assert.match(page, /<h2>What serves<\/h2>\s*<p>Nothing yet\.<\/p>/);
  assert.match(page, /<h2>What still drains<\/h2>\s*<p>Nothing\.<\/p>/);
  assert.match(page, /<h2>What has changed<\/h2>\s*<p>Nothing yet\.<\/p>/);
  assert.doesNotMatch(page, /<table class="(?:draining|timeline)"/);
});

Deno.test("all 50 changes are shown, with result, duration and a bar", () => {
  const page = statusPage(SAMPLES.eventful);
  assert.equal(page.match(/<tr role="row" class="(?:success|failure)">/g)?.length, 50);
  has(page, "The last 50, newest first.");
  for (const word of ["live", "rejected", "refused"]) has(page, `class="result">${word}</td>`);
  has(page, 'style="width: 100%"');
  has(page, "<b>Hot apply</b> to generation 50");
  has(page, '<b>Reload</b> to generation 47 <span class="aside">by SIGHUP</span>');
  has(page, ">13:51:20</time>");
  assert.match(page, />\d\d Nov \d\d:\d\d:\d\d<\/time>/);
  has(page, "and 4 more");
});

Deno.test("text from files, from HAProxy and from the command line cannot become HTML", () => {
  const evil = `</style></code>"><script>alert('&amp;')</script>\u001b[31m\u202e`;
  const escaped =
    "&#60;/style&#62;&#60;/code&#62;&#34;&#62;&#60;script&#62;alert(&#39;&#38;amp;&#39;)" +
    "&#60;/script&#62;\\u{1b}[31m\\u{202e}";
  const page = statusPage(evilSnapshot(evil));
  for (const raw of ["<script", "\u001b", "\u202e", "&amp;"]) assert.ok(!page.includes(raw), raw);
  // The reason also in the banner; the path in alert, excerpt, failed change and list of files.
  assert.equal(page.split(escaped).length - 1, 12);
});

Deno.test("a clock that was set back makes no time negative", () => {
  const processes = new Map([live(7, -MINUTE_MS), live(6, 0, -MINUTE_MS)]);
  const page = statusPage(snapshot({ history: { processes, startedMs: NOW_MS + MINUTE_MS } }));
  assert.doesNotMatch(page, /[^\w{.]-\d+ (?:ms|s|min)/);
  has(page, "Generation 7 has served for 0 s");
});

Deno.test("all settings are listed by their flags", () => {
  const page = statusPage(snapshot({ settings: { shutdownWaitMs: 90_000, hotApply: false } }));
  const row = (flag: string, value: string) =>
    assert.match(page, new RegExp(`<code>${flag}</code></th>\\s*<td>${value}</td>`));
  row("--shutdown-wait", "1m30s");
  row("--no-hot-apply", "yes");
  row("--no-reload", "no");
  row("--status-listen", "http://0.0.0.0:9101/");
  row("HAProxy&#39;s arguments", "-f /usr/local/etc/haproxy/haproxy.cfg");
});

function has(page: string, text: string): void {
  assert.ok(page.includes(text), `found no ${text}`);
}

const sentenceOf = (sample: Snapshot) => verdictOf(sample).sentence;

function serving(
  generation: Partial<Extract<Snapshot["state"], { name: "serving" }>["service"]["serving"]>,
  history: Partial<Snapshot["history"]> = {},
): Snapshot {
  const { state } = SAMPLES.serving;
  if (state.name !== "serving") throw new Error(`found "${state.name}", wanted "serving"`);
  return snapshot({
    state: {
      ...state,
      service: { ...state.service, serving: { ...state.service.serving, ...generation } },
    },
    history,
  });
}

/** With `text` wherever possible. */
function evilSnapshot(text: string): Snapshot {
  const fingerprint = content("evil", [text]);
  const { state, settings } = serving({ fingerprint });
  const failed = { reason: text, sinceMs: NOW_MS, lastTriedMs: NOW_MS };
  return snapshot({
    state,
    history: {
      failure: { ...failed, generation: 8, alerts: [text] },
      changes: [
        change({
          generation: 8,
          endedMs: NOW_MS,
          result: "failure",
          reason: text,
          changed: [text],
          failure: text,
        }),
      ],
      haproxyVersion: text,
    },
    excerpts: [{ path: text, line: 1, lines: [{ number: 1, text }] }],
    settings: { ...settings, watchPaths: [text] },
  });
}

Deno.test("while the last good files are served, the page says where they are, and why those on disk are not", () => {
  const page = statusPage(SAMPLES.lastGood);
  has(page, "<h2>Why the files on disk do not serve</h2>");
  has(page, "the last good ones, in <code>/var/lib/haproxy/last-good</code>");
  assert.ok(!statusPage(SAMPLES.degraded).includes("the last good ones"));
});
