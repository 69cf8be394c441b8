/** The page's colours, light and dark; each text on its ground has a contrast of 4.5 or more (WCAG AA). Pure. */
import type { Tone } from "./verdict.ts";

/** Of the icon, which has to be told on light and on dark tabs. */
export const ICON_COLOURS: Readonly<Record<Tone, string>> = {
  well: "#2da44e",
  busy: "#3b82e0",
  degraded: "#f0a800",
  leaving: "#9069d6",
  bad: "#e5484d",
};

export const PAGE_COLOURS = `
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
