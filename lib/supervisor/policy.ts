/** The settings that decisions depend on. */
export interface Policy {
  readonly maxDraining: number;
  /** How often in a minute another generation is started in the place of one that ended by itself. */
  readonly respawn: number;
  readonly minReloadIntervalMs: number;
  /** Whether changes are watched for. */
  readonly watch: boolean;
  /** Whether what can be is changed in place. */
  readonly hotApply: boolean;
  /** How long HAProxy serves on after it has been asked to drain. */
  readonly drainDelayMs: number;
  /** Whether SIGTERM drains, too. */
  readonly gracefulTerm: boolean;
}
