// Stands in for the modules of `@std/log` that `lib/system/log.ts` uses, where JSR cannot be reached.

const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"] as const;
type Level = (typeof LEVELS)[number];

export type LogRecord = { readonly datetime: Date; readonly args: unknown[] };

export class BaseHandler {
  constructor(_asLogger: Level, readonly options: { formatter: (record: LogRecord) => string }) {}
  log(_message: string): void {}
}

export class Logger {
  constructor(_: string, readonly level: Level, readonly options: { handlers: BaseHandler[] }) {}
  debug = this.#at("DEBUG");
  info = this.#at("INFO");
  warn = this.#at("WARN");
  error = this.#at("ERROR");

  #at(level: Level): (message: string, ...args: unknown[]) => void {
    return (_, ...args) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(this.level)) return;
      const record = { datetime: new Date(), args };
      for (const one of this.options.handlers) one.log(one.options.formatter(record));
    };
  }
}
