/** A headless Chromium, to which tests talk by its DevTools protocol. */
import { Running } from "../../support/running.ts";
import { TempFolder } from "../../support/temp_folder.ts";
import { DevTools } from "./dev_tools.ts";

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

  /** Shows a page, as if it were a file. */
  async show(page: string, view: View): Promise<Page> {
    const url = `file://${this.folder.write(`${crypto.randomUUID()}.html`, page)}`;
    return await this.open(url, view);
  }

  /** Goes to an address. */
  async open(url: string, { width, height, scheme }: View): Promise<Page> {
    const { targetId } = await this.tools.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.tools.send("Target.attachToTarget", {
      ...{ targetId, flatten: true },
    });
    const tools = this.tools.session(sessionId);
    await Promise.all(
      ["Page", "Network", "Runtime", "Log"].map((one) => tools.send(`${one}.enable`)),
    );
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
    await tools.send("Emulation.setDeviceMetricsOverride", metrics);
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await tools.send("Emulation.setEmulatedMedia", { features });
    const loaded = tools.next("Page.loadEventFired");
    await tools.send("Page.navigate", { url });
    await loaded;
    return new Page(tools, { targetId, url });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tools.send("Browser.close");
    await this.process.exitCode;
    await this.tools.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

/** What a tab shows, and what has come of it. */
export class Page implements AsyncDisposable {
  readonly targetId: string;
  readonly url: string;

  constructor(readonly tools: DevTools, { targetId, url }: { targetId: string; url: string }) {
    this.targetId = targetId;
    this.url = url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tools.send("Target.closeTarget", { targetId: this.targetId });
  }

  /** The value of an expression, which has to be one that JSON can hold. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.tools.send("Runtime.evaluate", {
      ...{ expression, returnByValue: true },
    });
    if (exceptionDetails) {
      throw new Error(`${expression}: ${exceptionDetails.exception.description}`);
    }
    return result.value;
  }

  /** Clicks on a link that loads another address. */
  async follow(link: string): Promise<void> {
    const loaded = this.tools.next("Page.loadEventFired");
    await this.evaluate(`${link}.click()`);
    await loaded;
  }

  /** What was asked for besides the page itself, but for what its own text holds. */
  requests(): string[] {
    return this.tools.events("Network.requestWillBeSent")
      .map(({ request }) => request.url)
      .filter((url) => url !== this.url && !url.startsWith("data:"));
  }

  /** What a developer would see on the console. */
  complaints(): string[] {
    return ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"]
      .flatMap((name) => this.tools.events(name).map((event) => JSON.stringify(event)));
  }

  /** A picture of the whole page, or of what is seen first, in the format PNG. */
  async picture({ whole = false } = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { data } = await this.tools.send("Page.captureScreenshot", {
      captureBeyondViewport: whole,
      ...whole ? { clip: { ...await this.#size(), x: 0, y: 0, scale: 1 } } : {},
    });
    return Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  }

  async #size(): Promise<{ readonly width: number; readonly height: number }> {
    const { cssContentSize: { width, height } } = await this.tools.send("Page.getLayoutMetrics");
    return { width, height };
  }
}

/** As root there is no sandbox of its own, and what it does in the background fails without a network. */
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--host-resolver-rules=MAP *.test 127.0.0.1", "--disable-dev-shm-usage"],
  "--remote-debugging-port=0",
];
