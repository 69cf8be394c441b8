/** A part of the page that is closed until it is wanted. Pure. */
import { type Html, html } from "./html.ts";

export interface Details {
  readonly summary: string;
  readonly content: Html;
}

/**
 * A page that is loaded anew has all parts closed but the one that the address names. Chromium does not
 * load it anew then, other browsers do. Without the query nothing would be loaded at once either, and
 * the address would be forgotten.
 */
export const detailsPart = (id: string, { summary, content }: Details): Html =>
  html`
    <details>
      <summary>${summary}</summary>
      <div id="${id}">
        <p class="keep">Closes when the page is renewed. <a href="?${id}#${id}">Keep it open</a></p>
        <p class="keep">The page may be old, since this is kept open. <a href="?">Renew it</a></p>
        ${content}
      </div>
    </details>
  `;
