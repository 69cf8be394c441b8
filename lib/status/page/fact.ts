/** A line of a list of facts: what it is called, and what it is. Pure. */
import { type Html, html, type Part } from "./html.ts";

/** To be put into a `dl`. */
export const fact = (name: string, value: Part): Html =>
  html`
    <div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>
  `;
