/** Makes the command lines with which HAProxy is started and checked. Pure. */
import type { HaproxyArguments } from "../../settings/haproxy_arguments.ts";

/** The files that a generation gets in front of and behind the user's own. */
export interface InjectedFiles {
  readonly first: string;
  readonly last: string;
}

/**
 * The words that start a generation: `-db` keeps it in the foreground, and `-x` makes it take over
 * the listeners behind the stats socket `takeover`. Never `-sf`: with it a refused bind would pause
 * the old process for about 2 s (seen on HAProxy 2.4 to 3.4).
 */
export function startArguments(
  haproxy: HaproxyArguments,
  injected: InjectedFiles,
  takeover: string | null,
): string[] {
  return ["-db", ...(takeover === null ? [] : ["-x", takeover]), ...around(haproxy, injected)];
}

/** The words that make HAProxy check what it would start with, and exit. */
export const checkArguments = (haproxy: HaproxyArguments, injected: InjectedFiles): string[] => [
  "-c",
  ...around(haproxy, injected),
];

function around(
  { options, filesAfterDashes }: HaproxyArguments,
  { first, last }: InjectedFiles,
): string[] {
  return [
    ...["-f", first],
    ...options,
    ...(filesAfterDashes === null ? ["-f", last] : ["--", ...filesAfterDashes, last]),
  ];
}

/** Whether HAProxy lets others of its kind bind its ports. */
export const sharesPorts = ({ options }: HaproxyArguments): boolean =>
  !options.some((word) => word.startsWith("-dR"));

/** Whether HAProxy is told not to start after a warning. */
export const hasZeroWarning = ({ options }: HaproxyArguments): boolean =>
  options.some((word) => word.startsWith("-dW"));
