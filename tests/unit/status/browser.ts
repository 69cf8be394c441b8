/** A headless Chromium, which tests drive by its DevTools protocol. */
import { Running } from "../../support/running.ts";
import { testNeeding } from "../../support/requirements.ts";
import { TempFolder } from "../../support/temp_folder.ts";

/** Registers a test that looks at pages in a browser. */
export const browserTest = testNeeding(isInstalled() ? null : "needs chromium");

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export class Browser implements AsyncDisposable {
  private constructor(
    readonly folder: TempFolder,
    readonly process: Running,
    readonly tools: DevTools,
  ) {}

  static async start(): Promise<Browser> {
    const folder = new TempFolder();
    const process = new Running(["chromium", ...FLAGS, `--user-data-dir=${folder.at("profile")}`]);
    const [, address] = await process.saysMatching(/DevTools listening on (ws:\S+)\s/);
    return new Browser(folder, process, await DevTools.connect(address!));
  }

  /** Shows a page as if it were a file. */
  async show(page: string, view: View): Promise<Page> {
    const url = `file://${this.folder.write(`${crypto.randomUUID()}.html`, page)}`;
    return await this.open(url, view);
  }

  async open(url: string, { width, height, scheme }: View): Promise<Page> {
    const { targetId } = await this.tools.send("Target.createTarget", { url: "about:blank" });
    const flat = { targetId, flatten: true };
    const { sessionId } = await this.tools.send("Target.attachToTarget", flat);
    const page = new Page(url, { tools: this.tools, targetId, sessionId });
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await page.send(`${domain}.enable`);
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
    await page.send("Emulation.setDeviceMetricsOverride", metrics);
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await page.send("Emulation.setEmulatedMedia", { features });
    await page.load(() => page.send("Page.navigate", { url }));
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tools.send("Browser.close");
    await this.process.exitCode;
    await this.tools.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

interface Tab {
  readonly tools: DevTools;
  readonly targetId: string;
  readonly sessionId: string;
}

/** What a tab shows, and what has come of it. */
export class Page implements AsyncDisposable {
  constructor(readonly url: string, readonly tab: Tab) {}

  send(method: string, params: Fields = {}): Promise<Fields> {
    return this.tab.tools.send(method, params, this.tab.sessionId);
  }

  /** The value of an expression, which has to be one that JSON can hold. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails) {
      throw new Error(`${expression}: ${exceptionDetails.exception.description}`);
    }
    return result.value;
  }

  /** Does what loads another page, and waits until it is there. */
  async load(act: () => Promise<unknown>): Promise<void> {
    const { tools, sessionId } = this.tab;
    const loaded = tools.next((one) =>
      one.method === "Page.loadEventFired" && one.sessionId === sessionId
    );
    await act();
    await loaded;
  }

  /** What was asked for besides the page itself, except what its own text holds. */
  requests(): string[] {
    return this.#events("Network.requestWillBeSent")
      .map(({ request }) => request.url)
      .filter((url) => url !== this.url && !url.startsWith("data:"));
  }

  /** What a developer would see on the console. */
  complaints(): string[] {
    return ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"]
      .flatMap((method) => this.#events(method).map((event) => JSON.stringify(event)));
  }

  #events(method: string): Fields[] {
    const { tools, sessionId } = this.tab;
    return tools.received.filter((one) => one.method === method && one.sessionId === sessionId)
      .map(({ params }) => params);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tab.tools.send("Target.closeTarget", { targetId: this.tab.targetId });
  }
}

// deno-lint-ignore no-explicit-any
type Fields = Record<string, any>;

/** The protocol: commands with their answers, and events. */
class DevTools {
  readonly received: Fields[] = [];
  readonly #waiting = new Set<(message: Fields) => void>();
  readonly #closed: Promise<unknown>;
  #lastId = 0;

  private constructor(readonly socket: WebSocket) {
    this.#closed = new Promise((resolve) => socket.onclose = resolve);
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      this.received.push(message);
      this.#waiting.forEach((take) => take(message));
    };
  }

  static async connect(address: string): Promise<DevTools> {
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => [socket.onopen, socket.onerror] = [resolve, reject]);
    return new DevTools(socket);
  }

  async send(method: string, params: Fields = {}, sessionId?: string): Promise<Fields> {
    const id = ++this.#lastId;
    const answer = this.next((message) => message.id === id);
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** The next message from now on that is the one. */
  next(isIt: (message: Fields) => boolean): Promise<Fields> {
    const { promise, resolve } = Promise.withResolvers<Fields>();
    const take = (message: Fields) => {
      if (!isIt(message)) return;
      this.#waiting.delete(take);
      resolve(message);
    };
    this.#waiting.add(take);
    return promise;
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.#closed;
  }
}

/** As root it has no sandbox of its own, and its background work fails without a network. */
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--host-resolver-rules=MAP *.test 127.0.0.1", "--disable-dev-shm-usage"],
  "--remote-debugging-port=0",
];

function isInstalled(): boolean {
  try {
    return new Deno.Command("chromium", { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}
