/** The part of the page that says which old processes still finish their connections. Pure. */
import type { LiveProcess } from "../history.ts";
import { type Html, html } from "./html.ts";
import { describeSeconds, time } from "./times.ts";
import type { Snapshot } from "../snapshot.ts";

export function drainingPart(snapshot: Snapshot): Html {
  const draining = [...snapshot.history.processes.values()].filter(isDraining);
  return html`
    <section>
      <h2>What still drains</h2>
      ${draining.length === 0 ? html`<p>Nothing.</p>` : tablePart(draining, snapshot)}
    </section>
  `;
}

type DrainingProcess = LiveProcess & { readonly drainingSinceMs: number };

const isDraining = (process: LiveProcess): process is DrainingProcess =>
  process.drainingSinceMs !== null;

function tablePart(draining: readonly DrainingProcess[], snapshot: Snapshot): Html {
  return html`
    <table class="draining">
      <caption>The oldest first, times are UTC${describeLimit(snapshot)}</caption>
      <thead>
        <tr>
          <th scope="col">Generation</th>
          <th scope="col">PID</th>
          <th scope="col">Since</th>
          <th scope="col">Connections</th>
        </tr>
      </thead>
      <tbody>
        ${draining.map((process) => rowPart(process, snapshot))}
      </tbody>
    </table>
  `;
}

function describeLimit({ settings }: Snapshot): string {
  const { shutdownWaitMs } = settings;
  return shutdownWaitMs === null ? "" : `; each is ended after ${describeSeconds(shutdownWaitMs)}`;
}

function rowPart(
  { generation, pid, drainingSinceMs }: DrainingProcess,
  { connections, nowMs }: Snapshot,
): Html {
  const age = describeSeconds(nowMs - drainingSinceMs);
  return html`
    <tr>
      <th scope="row">${generation}</th>
      <td>${pid}</td>
      <td>${time(drainingSinceMs, nowMs)} <span class="age">${age}</span></td>
      <td>${connections.get(generation) ?? "does not tell"}</td>
    </tr>
  `;
}
