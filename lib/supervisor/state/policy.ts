/** The settings that decisions depend on. */
export interface Policy {
  readonly maxDraining: number;
  /** The most respawns in a minute. */
  readonly respawn: number;
  readonly minReloadIntervalMs: number;
  /** Whether changes are watched for. */
  readonly watch: boolean;
  /** Whether what can be changed in place is. */
  readonly hotApply: boolean;
  /** How long HAProxy keeps serving after a request to drain. */
  readonly drainDelayMs: number;
  /** Whether SIGTERM drains as well. */
  readonly gracefulTerm: boolean;
}
