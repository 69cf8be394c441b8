/** The page's style: one column on a phone, two where there is room. Pure. */
import type { Tone } from "./verdict.ts";

/** The icon's colours, for light and dark tabs alike. */
export const ICON_COLOURS: Readonly<Record<Tone, string>> = {
  well: "#2da44e",
  busy: "#3b82e0",
  degraded: "#f0a800",
  leaving: "#9069d6",
  bad: "#e5484d",
};

/** Light and dark. Every text has a contrast of at least 4.5 with its background (WCAG AA). */
const COLOURS = `
:root {
  color-scheme: light dark;
  --ground: #fcfcfb;
  --text: #1c2024;
  --aside: #5a626b;
  --line: #e2e4e8;
  --code: #f2f3f5;
  --bar: #aab3bd;
  --link: #0b57b8;
  --good: #17692f;
  --wrong: #b3261e;
  --wrong-ground: #fde5e2;
}
.well { --tone: #19713a; --on-tone: #ffffff; }
.busy { --tone: #1259a5; --on-tone: #ffffff; }
.degraded { --tone: #ffc63f; --on-tone: #2a1c00; }
.leaving { --tone: #63449f; --on-tone: #ffffff; }
.bad { --tone: #b3261e; --on-tone: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131619;
    --text: #e3e6e9;
    --aside: #9ba5af;
    --line: #2b3036;
    --code: #1c2024;
    --bar: #59636e;
    --link: #86b7ff;
    --good: #72d68c;
    --wrong: #ff9b92;
    --wrong-ground: #4a1713;
  }
  .well { --tone: #14472a; --on-tone: #d3f5dd; }
  .busy { --tone: #153e6b; --on-tone: #d8e8ff; }
  .degraded { --tone: #6d4d00; --on-tone: #ffefc9; }
  .leaving { --tone: #43306c; --on-tone: #e9e0ff; }
  .bad { --tone: #7c1d17; --on-tone: #ffe1de; }
}
`;

export const PAGE_STYLE = `${COLOURS}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: break-word;
}
header, main, footer { padding-inline: max(1rem, calc(50vw - 30rem)); }
h1, h2, h3, p, dl, dd, ul, figure, pre { margin: 0; }
ul { padding: 0; list-style: none; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.aside { color: var(--aside); }
time, .age { white-space: nowrap; }
.age { color: var(--aside); }
code, pre { font: .8125rem/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }

header { padding-block: 1.25rem 1.375rem; background: var(--tone); color: var(--on-tone); }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -.01em; }
header p { margin-top: .25rem; max-width: 44rem; }

main { padding-block: .5rem; }
section { padding-block: 1.25rem; }
.now section:last-child, main > section:last-child { border-top: 1px solid var(--line); }
h2 { margin-bottom: .625rem; font-size: 1.0625rem; line-height: 1.3; }
h3 { margin: 0 0 .25rem; font-size: .875rem; font-weight: 600; color: var(--aside); }

dl div { display: grid; grid-template-columns: 7rem 1fr; gap: .5rem; padding-block: .125rem; }
dt { color: var(--aside); }
dd { min-width: 0; overflow-wrap: anywhere; }

.failed { border-bottom: 1px solid var(--line); }
.failed > * + dl { margin-top: .875rem; }
pre { padding: .625rem .75rem; border-radius: .375rem; background: var(--code); overflow-x: auto; }
.alerts { white-space: pre-wrap; }
figure { margin-top: .875rem; }
figcaption { margin-bottom: .25rem; font-size: .875rem; color: var(--aside); }
.excerpt { padding-inline: 0; overflow-wrap: normal; }
.excerpt code { display: inline-block; min-width: 100%; }
.excerpt code > * { display: block; padding-inline: .75rem; }
.margin { color: var(--aside); user-select: none; }
mark { background: var(--wrong-ground); color: inherit; box-shadow: inset 3px 0 var(--wrong); }
mark .margin { color: var(--wrong); font-weight: 700; }

table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .375rem; text-align: start; font-size: .875rem; color: var(--aside); }
th, td { padding: .375rem .625rem .375rem 0; text-align: start; vertical-align: baseline; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: .8125rem; font-weight: 400; color: var(--aside); }
tbody th { font-weight: 400; }
tbody tr { border-top: 1px solid var(--line); }

.draining { font-size: .9375rem; }
.draining th, .draining td { padding-right: .5rem; }
.draining .age { display: block; font-size: .875rem; }

.timeline .what { overflow-wrap: anywhere; }
.timeline th { white-space: nowrap; }
.timeline tbody th { color: var(--aside); }
.result { font-weight: 600; white-space: nowrap; }
.result::before {
  content: "";
  display: inline-block;
  width: .5rem;
  height: .5rem;
  margin-right: .375rem;
  border-radius: 50%;
  background: currentColor;
}
.success .result { color: var(--good); }
.failure .result, .why { color: var(--wrong); }
.why { font-size: .9375rem; }
.took { text-align: end; white-space: nowrap; }
.bar { display: block; height: 3px; min-width: 2px; margin-left: auto; border-radius: 2px; background: var(--bar); }

summary { padding-block: .5rem; cursor: pointer; }
footer { padding-block: .5rem 2rem; }
footer details { padding-block: .25rem; border-top: 1px solid var(--line); }
.keep { padding-bottom: .5rem; font-size: .875rem; }
.keep + .keep, :target .keep { display: none; }
:target .keep + .keep { display: block; }
.files li { padding-block: .125rem; }
.settings th { width: 45%; }

nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding-block: .75rem; border-top: 1px solid var(--line); }
footer p { font-size: .875rem; color: var(--aside); }

@media (min-width: 48rem) {
  .now { display: grid; grid-template-columns: 3fr 2fr; gap: 2.5rem; }
  .now section:last-child { border-top: 0; }
  .timeline th, .timeline td { padding: .5rem 1.5rem .5rem 0; }
  .timeline .what { width: 100%; }
  .took { min-width: 5rem; }
  .timeline th:last-child, .timeline td:last-child { padding-right: 0; text-align: end; }
}
@media (max-width: 47.99rem) {
  .timeline, .timeline tbody, .timeline caption { display: block; }
  .timeline thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .timeline tr {
    display: grid;
    grid-template: "time result took" "what what what" / auto 1fr 4.5rem;
    column-gap: .75rem;
    padding-block: .625rem;
  }
  .timeline tbody th, .timeline td { padding: 0; }
  .timeline tbody th { grid-area: time; }
  .timeline time { white-space: normal; }
  .what { grid-area: what; min-width: 0; }
  .result { grid-area: result; }
  .took { grid-area: took; }
}
`;
