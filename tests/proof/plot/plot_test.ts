/** The plot is well-formed, draws each contestant, and stays inside its page. */
import assert from "node:assert/strict";
import { campaign, load, MACHINE, run } from "../report/samples.ts";
import { branchesPlot } from "./branches.ts";
import { plot } from "./plot.ts";

const RESULTS = run({
  wrapper: campaign(),
  "by-hand": campaign({ samples: [] }),
  "master-worker": campaign({ load: load({ tls: { failures: { refused: 1_234 } } }) }),
}, { command: `a <command> & "one" word` });

/** The names of all elements. @throws if tags do not match, or there is a bare `<` or `&`. */
function elementsOf(svg: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const rest = svg.replaceAll(
    /<(\/?)([\w-]+)((?: [\w:-]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)(\/?)>/g,
    (_, end, name, _attributes, isEmpty) => {
      if (end === "/") assert.equal(open.pop(), name);
      else if (isEmpty === "") open.push(name);
      if (end === "") names.push(name);
      return "";
    },
  );
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest, /<|&(?!(?:amp|lt|gt|quot);)/);
  return names;
}

Deno.test("it is well-formed, and escapes its input", () => {
  const svg = plot(RESULTS);
  const names = elementsOf(svg);
  assert.equal(names[0], "svg");
  assert.ok(names.includes("title") && names.includes("path"));
  assert.match(svg, /a &lt;command&gt; &amp; &quot;one&quot; word/);
  assert.match(svg, />1,234</);
});

Deno.test("each contestant has its lines and bars, and any may be missing", () => {
  const svg = plot(RESULTS);
  for (const name of Object.keys(RESULTS.campaigns)) {
    assert.ok(svg.includes(`class="line ${name}"`) && svg.includes(`class="bar ${name}"`), name);
  }
  const alone = plot({ ...RESULTS, campaigns: { wrapper: campaign() } });
  elementsOf(alone);
  assert.doesNotMatch(alone, /class="(?:line|bar) by-hand"/);
  elementsOf(plot({ ...RESULTS, campaigns: { wrapper: campaign({ reloads: [], samples: [] }) } }));
});

Deno.test("each of several HAProxy versions has its row on one time scale, with HTTP/3 if it speaks it", () => {
  const { http3: _new, http3_kept: _kept, ...others } = load({});
  const wrapper = campaign({ load: others });
  const slow = campaign({ reloads: [{ number: 1, refusal: null, ms: 30_000 }] });
  const svg = branchesPlot([
    run({ wrapper }, { machine: { ...MACHINE, haproxy: "2.6.12-1+deb12u4" } }),
    run({ wrapper: slow, "by-hand": slow }),
  ]);
  elementsOf(svg);
  for (const haproxy of ["HAProxy 2.6.12", "HAProxy 3.4.7"]) {
    assert.ok(
      svg.includes(`>${haproxy}: reload times<`) && svg.includes(`>${haproxy}: failed requests<`),
    );
  }
  assert.equal(svg.split(">HTTP/3<").length - 1, 1);
  assert.equal(svg.split(">20 s<").length - 1, 2);
  assertInside(svg);
});

Deno.test("every coordinate is a number inside the page", () => {
  assertInside(plot(RESULTS));
});

function assertInside(svg: string): void {
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  const [width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.slice(1).map(Number);
  for (const [, axis, value] of svg.matchAll(/ (x|y|x1|x2|y1|y2)="([^"]*)"/g)) {
    const most = axis!.startsWith("x") ? width! : height!;
    assert.ok(Number(value) >= 0 && Number(value) <= most, `${axis} is ${value}`);
  }
}
