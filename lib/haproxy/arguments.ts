/** Makes the command lines with which HAProxy is started and checked. Pure. */
import { type HaproxyArguments, wordsOf } from "../settings/haproxy_arguments.ts";

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
  { options, filesAfterDashes }: HaproxyArguments,
  { first, last }: InjectedFiles,
  takeover: string | null,
): string[] {
  return [
    "-db",
    ...(takeover === null ? [] : ["-x", takeover]),
    ...["-f", first],
    ...options,
    ...(filesAfterDashes === null ? ["-f", last] : ["--", ...filesAfterDashes, last]),
  ];
}

/** The words that make HAProxy check the user's configuration and exit. */
export const checkArguments = (haproxy: HaproxyArguments): string[] => ["-c", ...wordsOf(haproxy)];
