/**
 * A headless Chromium, by its DevTools protocol: `chromium --dump-dom` neither has the size of a phone nor tells what
 * a page asked for and complained of.
 */
import { Running } from "../wrapper/running.ts";
import { TempFolder } from "../machine/temp_folder.ts";

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export class Browser implements AsyncDisposable {
  readonly #folder = new TempFolder();
  readonly #process = new Running(
    ["chromium", ...FLAGS, `--user-data-dir=${this.#folder.at("profile")}`],
  );

  static async start(): Promise<Browser> {
    const browser = new Browser();
    await browser.#host();
    return browser;
  }

  /** Shows a page from a file. */
  async show(page: string, view: View): Promise<Page> {
    return await this.open(
      `file://${this.#folder.write(`${crypto.randomUUID()}.html`, page)}`,
      view,
    );
  }

  /** Goes to an address, in a tab of its own. */
  async open(url: string, { width, height, scheme }: View): Promise<Page> {
    const tools = `http://${await this.#host()}/json`;
    const created = await fetch(`${tools}/new`, { method: "PUT" });
    const { id, webSocketDebuggerUrl } = await created.json();
    const page = await Page.connect(webSocketDebuggerUrl, { url, closeBy: `${tools}/close/${id}` });
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await page.send(`${domain}.enable`);
    await page.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await page.send("Emulation.setEmulatedMedia", { features });
    await page.loading(() => page.send("Page.navigate", { url }));
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.child.kill("SIGTERM");
    await this.#process.exitCode;
    await this.#folder[Symbol.asyncDispose]();
  }

  async #host(): Promise<string> {
    return (await this.#process.says(/DevTools listening on ws:\/\/([^/]+)\//))[1]!;
  }
}

// deno-lint-ignore no-explicit-any
type Fields = Record<string, any>;

interface Addresses {
  readonly url: string;
  /** Whoever requests it closes the tab. */
  readonly closeBy: string;
}

/** A tab. */
export class Page implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #addresses: Addresses;
  /** Answers and events, in order. */
  readonly #received: Fields[] = [];
  #wake = () => {};
  #lastId = 0;

  private constructor(socket: WebSocket, addresses: Addresses) {
    this.#socket = socket;
    this.#addresses = addresses;
    socket.onmessage = ({ data }) => {
      this.#received.push(JSON.parse(data));
      this.#wake();
    };
  }

  static async connect(address: string, addresses: Addresses): Promise<Page> {
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => [socket.onopen, socket.onerror] = [resolve, reject]);
    return new Page(socket, addresses);
  }

  async send(method: string, params: Fields = {}): Promise<Fields> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await this.#find((message) => message.id === id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Does what loads a page, and waits until it is loaded. */
  async loading(act: () => Promise<unknown>): Promise<void> {
    const before = this.#received.length;
    await act();
    await this.#find(({ method }) => method === "Page.loadEventFired", before);
  }

  /** The value of an expression, which JSON must be able to hold. */
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

  /** Clicks a link that loads another address. */
  async follow(link: string): Promise<void> {
    await this.loading(() => this.evaluate(`${link}.click()`));
  }

  /** What was requested besides the page itself, without what its own text holds. */
  requests(): string[] {
    return this.#events("Network.requestWillBeSent").map(({ request }) => request.url)
      .filter((url) => url !== this.#addresses.url && !url.startsWith("data:"));
  }

  /** What a developer sees on the console. */
  complaints(): string[] {
    return ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"]
      .flatMap((name) => this.#events(name).map((event) => JSON.stringify(event)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    // The command "Page.close" fails while another page is on its way.
    await (await fetch(this.#addresses.closeBy)).body?.cancel();
    this.#socket.close();
    await closed;
  }

  #events(name: string): Fields[] {
    return this.#received.filter(({ method }) => method === name).map(({ params }) => params);
  }

  async #find(isIt: (message: Fields) => boolean, from = 0): Promise<Fields> {
    for (;;) {
      const found = this.#received.slice(from).find(isIt);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** It has no sandbox as root, and its background requests fail without a network. */
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--host-resolver-rules=MAP *.test 127.0.0.1", "--disable-dev-shm-usage"],
  "--remote-debugging-port=0",
];
