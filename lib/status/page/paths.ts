/** Changed files as the page lists them. Pure. */
import { type Html, html } from "./html.ts";

/** `null`: nobody knows which. */
export function pathList(paths: readonly string[] | null): Html {
  if (paths === null) return html`<span class="aside">files not known</span>`;
  if (paths.length === 0) return html`<span class="aside">no file</span>`;
  const more = paths.length - MOST_PATHS;
  return html`<ul class="paths">${paths.slice(0, MOST_PATHS).map(pathItem)}${
    more > 0 ? html`<li class="aside">and ${more} more</li>` : ""
  }</ul>`;
}

const pathItem = (path: string) => html`<li><code>${path}</code></li>`;

const MOST_PATHS = 5;
