/** The command lines that start and check HAProxy. Pure. */
import type { HaproxyArguments } from "../../settings/haproxy_arguments.ts";

/** The files that the wrapper adds before and after the user's own. */
export interface InjectedFiles {
  readonly first: string;
  readonly last: string;
}

/**
 * The arguments that start a generation: `-db` keeps it in the foreground, and `-x` makes it take over
 * the listeners behind the stats socket `takeover`. Never `-sf`, with which a refused bind pauses
 * the old process for about 2 s (HAProxy 2.4 to 3.4).
 */
export function startArguments(
  haproxy: HaproxyArguments,
  injected: InjectedFiles,
  takeover: string | null,
): string[] {
  return ["-db", ...(takeover === null ? [] : ["-x", takeover]), ...around(haproxy, injected)];
}

export const checkArguments = (haproxy: HaproxyArguments, injected: InjectedFiles): string[] => [
  "-c",
  ...around(haproxy, injected),
];

function around(
  { options, filesAfterDashes }: HaproxyArguments,
  { first, last }: InjectedFiles,
): string[] {
  return [
    "-f",
    first,
    ...options,
    ...(filesAfterDashes === null ? ["-f", last] : ["--", ...filesAfterDashes, last]),
  ];
}

/** Whether another HAProxy may bind its ports. */
export const sharesPorts = ({ options }: HaproxyArguments): boolean =>
  !options.some((word) => word.startsWith("-dR"));

/** Whether a warning keeps HAProxy from starting. */
export const hasZeroWarning = ({ options }: HaproxyArguments): boolean =>
  options.some((word) => word.startsWith("-dW"));
