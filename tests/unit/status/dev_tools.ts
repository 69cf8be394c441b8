/** The DevTools protocol: commands with their answers, and events. */

// deno-lint-ignore no-explicit-any
type Fields = Record<string, any>;

interface Message extends Fields {
  readonly id?: number;
  readonly sessionId?: string;
}

/** The browser as a whole, or with `session` one of its tabs. */
export class DevTools {
  readonly #socket: Socket;
  readonly #sessionId: string | undefined;

  private constructor(socket: Socket, sessionId?: string) {
    this.#socket = socket;
    this.#sessionId = sessionId;
  }

  static async connect(address: string): Promise<DevTools> {
    return new DevTools(await Socket.open(address));
  }

  session(sessionId: string): DevTools {
    return new DevTools(this.#socket, sessionId);
  }

  async send(method: string, params: Fields = {}): Promise<Fields> {
    const sessionId = this.#sessionId;
    return await this.#socket.ask({ method, params, ...sessionId ? { sessionId } : {} });
  }

  /** What has been told so far. */
  events(method: string): Fields[] {
    return this.#socket.received.filter((message) => this.#isOurs(message, method))
      .map(({ params }) => params);
  }

  /** Resolves at the next such event from now. */
  async next(method: string): Promise<Fields> {
    const { params } = await this.#socket.find((message) => this.#isOurs(message, method));
    return params;
  }

  async close(): Promise<void> {
    await this.#socket.close();
  }

  #isOurs({ method, sessionId }: Message, wanted: string): boolean {
    return method === wanted && sessionId === this.#sessionId;
  }
}

interface Waiting {
  readonly isIt: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
}

class Socket {
  readonly received: Message[] = [];
  readonly #socket: WebSocket;
  readonly #closed: Promise<unknown>;
  #waiting: Waiting[] = [];
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.onclose = resolve);
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  static async open(address: string): Promise<Socket> {
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => [socket.onopen, socket.onerror] = [resolve, reject]);
    return new Socket(socket);
  }

  async ask(command: Fields): Promise<Fields> {
    const id = ++this.#lastId;
    const answer = this.find((message) => message.id === id);
    this.#socket.send(JSON.stringify({ id, ...command }));
    const { result, error } = await answer;
    if (error) throw new Error(`${command.method}: ${error.message}`);
    return result;
  }

  find(isIt: Waiting["isIt"]): Promise<Message> {
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#waiting.push({ isIt, resolve });
    return promise;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#closed;
  }

  #take(message: Message): void {
    this.received.push(message);
    const found = this.#waiting.filter(({ isIt }) => isIt(message));
    this.#waiting = this.#waiting.filter((one) => !found.includes(one));
    for (const { resolve } of found) resolve(message);
  }
}
