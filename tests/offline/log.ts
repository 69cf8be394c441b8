// Stands in for the two modules of `@std/log` that `lib/log.ts` uses, where JSR cannot be reached.

const LogLevels = { DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40 } as const;
type LevelName = keyof typeof LogLevels;

export class LogRecord {
  readonly datetime = new Date();
  constructor(readonly msg: string, readonly levelName: LevelName, readonly args: unknown[]) {}
  get level(): number {
    return LogLevels[this.levelName];
  }
}

export class BaseHandler {
  readonly #level: number;
  readonly #formatter: (record: LogRecord) => string;

  constructor(levelName: LevelName, options: { formatter: (record: LogRecord) => string }) {
    this.#level = LogLevels[levelName];
    this.#formatter = options.formatter;
  }

  handle(record: LogRecord): void {
    if (record.level >= this.#level) this.log(this.#formatter(record));
  }

  log(_message: string): void {}
}

export class Logger {
  readonly #level: number;
  readonly #handlers: BaseHandler[];

  constructor(_name: string, levelName: LevelName, options: { handlers: BaseHandler[] }) {
    this.#level = LogLevels[levelName];
    this.#handlers = options.handlers;
  }

  debug = this.#at("DEBUG");
  info = this.#at("INFO");
  warn = this.#at("WARN");
  error = this.#at("ERROR");

  #at(levelName: LevelName): (message: string, ...args: unknown[]) => string {
    return (message, ...args) => {
      const record = new LogRecord(message, levelName, args);
      if (record.level >= this.#level) this.#handlers.forEach((handler) => handler.handle(record));
      return message;
    };
  }
}
