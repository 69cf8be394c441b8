/** The text of `--help`. Pure. */
import { ACTIONS, DEFAULT_CONFIGURATION, OPTION_NAMES, OPTIONS, variableOf } from "./options.ts";

export const helpText = (): string =>
  [
    "Runs HAProxy, watches its configuration, and reloads it without losing a connection.",
    "",
    "  haproxy-reload-wrapper [its own --flags] [haproxy] [HAProxy's arguments]",
    "",
    "HAProxy's flags have one dash and are passed on; the wrapper's have two. Without any file it",
    `loads ${DEFAULT_CONFIGURATION}. Durations are written 500ms, 10s, 1m30s.`,
    "A flag beats its environment variable.",
    "",
    ...OPTION_NAMES.flatMap((name) => optionHelp(OPTIONS[name])),
    ...Object.entries(ACTIONS).flatMap(([flag, help]) => flagHelp(flag, help)),
    "",
    "Signals: TERM, INT stop at once; USR1 drains; HUP, USR2 reload; QUIT goes to HAProxy.",
  ].join("\n");

function optionHelp(option: (typeof OPTIONS)[keyof typeof OPTIONS]): string[] {
  const { flag, help, type: { placeholder, isRepeatable, default: preset } } = option;
  const words = placeholder === null ? flag : `${flag} ${placeholder}`;
  const variable = variableOf(option) + (placeholder === null ? "=true" : "") +
    (isRepeatable ? ', ":" between' : "");
  const notes = preset === undefined ? variable : `${variable}; default: ${preset}`;
  return flagHelp(words, `${help} (environment: ${notes})`);
}

const flagHelp = (words: string, help: string) => [`  --${words}`, `        ${help}`];
