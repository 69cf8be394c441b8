/** Says in words what has changed of servers and frontends. Pure. */
import type { Changes } from "./plan.ts";
import type { ServerChange } from "./server_change.ts";

/** Such as `backend "app": server "s3" added (10.0.0.7:8080), weight of "s2" 10 to 20`. */
export function describeChanges(
  { servers, frontends }: Changes,
  overridden: readonly string[],
): string {
  const shown = servers.slice(0, MOST_SHOWN);
  const others = servers.length - shown.length;
  const shownFrontends = frontends.slice(0, MOST_SHOWN);
  const otherFrontends = frontends.length - shownFrontends.length;
  const parts = [...Map.groupBy(shown, ({ backend }) => backend)].map(([backend, own]) =>
    `backend "${backend}": ${own.flatMap(describe).join(", ")}`
  );
  return [
    ...servers.length + frontends.length === 0
      ? ["the configuration means the same as before"]
      : parts,
    ...others > 0 ? [`${others} more servers`] : [],
    ...shownFrontends.map(({ frontend, from, to }) =>
      `frontend "${frontend}": maxconn ${from} to ${to}`
    ),
    ...otherFrontends > 0 ? [`maxconn of ${otherFrontends} more frontends`] : [],
    ...overridden.length > 0 ? [`instead of what was set by hand: ${overridden.join(", ")}`] : [],
  ].join("; ");
}

const MOST_SHOWN = 10;

function describe(change: ServerChange): readonly string[] {
  const { tag, server } = change;
  switch (tag) {
    case "added":
      return [`server "${server}" added (${placeOf(change.address)})`];
    case "removed":
      return [`server "${server}" removed`];
    case "changed": {
      const { address, weight, maxconn, isDisabled } = change;
      const name = `"${server}"`;
      return [
        ...address === null ? [] : [
          `address of ${name} ${placeOf(address.from)} to ${placeOf(address.to)}`,
        ],
        ...weight === null ? [] : [`weight of ${name} ${weight.from} to ${weight.to}`],
        ...maxconn === null ? [] : [`maxconn of ${name} ${maxconn.from} to ${maxconn.to}`],
        ...isDisabled === null ? [] : [`${name} ${isDisabled.to ? "disabled" : "enabled"}`],
      ];
    }
    default:
      return tag satisfies never;
  }
}

const placeOf = ({ ip, port }: { readonly ip: string; readonly port: number }) =>
  `${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
