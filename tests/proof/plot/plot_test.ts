/** The plot is well-formed, draws each contestant, and stays inside its page. */
import assert from "node:assert/strict";
import { campaign, load } from "../samples.ts";
import { plot } from "./plot.ts";

const RESULTS = {
  machine: `a <machine> & "one" core`,
  isSoak: false,
  campaigns: {
    wrapper: campaign(),
    "by-hand": campaign({ samples: [] }),
    "master-worker": campaign({ load: load({ tls: { failures: { refused: 1_234 } } }) }),
  },
};

/** The names of all elements; throws where tags do not match, or a bare `<` or `&` stands between them. */
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

Deno.test("it is well-formed, and escapes what is put in", () => {
  const svg = plot(RESULTS);
  const names = elementsOf(svg);
  assert.equal(names[0], "svg");
  assert.ok(names.includes("title") && names.includes("path"));
  assert.match(svg, /a &lt;machine&gt; &amp; &quot;one&quot; core/);
  assert.match(svg, />1,234</);
});

Deno.test("each contestant has its lines and bars, and none is needed", () => {
  const svg = plot(RESULTS);
  for (const name of Object.keys(RESULTS.campaigns)) {
    assert.ok(svg.includes(`class="line ${name}"`) && svg.includes(`class="bar ${name}"`), name);
  }
  const alone = plot({ ...RESULTS, campaigns: { wrapper: campaign() } });
  elementsOf(alone);
  assert.doesNotMatch(alone, /class="(?:line|bar) by-hand"/);
  elementsOf(plot({ ...RESULTS, campaigns: { wrapper: campaign({ reloads: [], samples: [] }) } }));
});

Deno.test("every place is a number inside the page", () => {
  const svg = plot(RESULTS);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  for (const [, axis, value] of svg.matchAll(/ (x|y|x1|x2|y1|y2)="([^"]*)"/g)) {
    const most = axis!.startsWith("x") ? 960 : 780;
    assert.ok(Number(value) >= 0 && Number(value) <= most, `${axis} is ${value}`);
  }
});
