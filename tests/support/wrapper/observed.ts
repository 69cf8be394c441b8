/** A wrapper whose status can be queried. */
import type { StatusReport } from "../../../lib/status/report.ts";
import { freePort } from "../machine/free_port.ts";
import { Workspace } from "./workspace.ts";
import type { Wrapper, WrapperOptions } from "./wrapper.ts";

export class Observed extends Workspace {
  readonly statusPort = freePort();

  async serveObserved(
    args: readonly string[] = [],
    options: WrapperOptions = {},
  ): Promise<Wrapper> {
    return await this.serve({ ...options, args: this.observedArgs(args) });
  }

  observedArgs(args: readonly string[] = []): readonly string[] {
    return ["-f", this.configuration, "--status-listen", `127.0.0.1:${this.statusPort}`, ...args];
  }

  async ask(path: string, init: RequestInit = {}): Promise<{ status: number; body: string }> {
    const response = await fetch(`http://127.0.0.1:${this.statusPort}${path}`, init);
    return { status: response.status, body: await response.text() };
  }

  async report(): Promise<StatusReport> {
    return JSON.parse((await this.ask("/status")).body);
  }

  /** The value of a metric, with its labels as they are written; `null` if there is none. */
  async metric(name: string): Promise<number | null> {
    const { body } = await this.ask("/metrics");
    const line = body.split("\n").find((line) =>
      line.startsWith(`haproxy_reload_wrapper_${name} `)
    );
    return line === undefined ? null : Number(line.split(" ").at(-1));
  }

  async measures(name: string, wanted: number, wrapper: Wrapper): Promise<void> {
    await wrapper.until(`${name} ${wanted}`, async () => await this.metric(name) === wanted);
  }

  async reports(
    what: string,
    isSo: (report: StatusReport) => boolean,
    wrapper: Wrapper,
  ): Promise<StatusReport> {
    return await wrapper.until(what, async () => {
      const report = await this.report();
      return isSo(report) && report;
    });
  }
}
