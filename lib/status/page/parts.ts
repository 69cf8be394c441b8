/** Small parts that several sections of the page share. Pure. */
import { type Html, html, type Part } from "./html.ts";

/** A name and its value, in a `dl`. */
export const fact = (name: string, value: Part): Html =>
  html`
    <div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>
  `;

/** Changed files; `null`: unknown. */
export function pathList(paths: readonly string[] | null): Html {
  if (paths === null) return html`<span class="aside">files unknown</span>`;
  if (paths.length === 0) return html`<span class="aside">no file</span>`;
  const more = paths.length - MOST_PATHS;
  return html`<ul class="paths">${paths.slice(0, MOST_PATHS).map(pathItem)}${
    more > 0 ? html`<li class="aside">and ${more} more</li>` : ""
  }</ul>`;
}

const pathItem = (path: string) => html`<li><code>${path}</code></li>`;

const MOST_PATHS = 5;

export interface Details {
  readonly summary: string;
  readonly content: Html;
}

/**
 * A section that is closed at first. When the page reloads, only the section that the address names stays open;
 * Chromium does not even reload such a page automatically. The query makes the link load the page.
 */
export const detailsPart = (id: string, { summary, content }: Details): Html =>
  html`
    <details>
      <summary>${summary}</summary>
      <div id="${id}">
        <p class="keep">Closes when the page reloads. <a href="?${id}#${id}">Keep it open</a></p>
        <p class="keep">Kept open, so this page may be out of date. <a href="?">Reload it</a></p>
        ${content}
      </div>
    </details>
  `;
