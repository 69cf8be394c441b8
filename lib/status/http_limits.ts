/** How much of the program a client of the status pages, or all of them together, may take up. */

export interface HttpLimits {
  readonly headBytes: number;
  /** A body within that is read and dropped. */
  readonly bodyBytes: number;
  /** From the connection to the whole request. */
  readonly requestMs: number;
  /** To take the whole response. */
  readonly responseMs: number;
  /** To close the connection after the response. */
  readonly partingMs: number;
  /** Connections whose request is not complete. */
  readonly waiting: number;
  /** Requests that are being answered. */
  readonly answering: number;
  /** Connections that have had their response, or are refused, and are not closed. */
  readonly parting: number;
  /** Responses that the kernel did not take at once. */
  readonly unsent: number;
  /** After a connection that could not be accepted. */
  readonly acceptPauseMs: number;
}

/** All of them together are 256 file descriptors, so that enough is left to start HAProxy. */
export const HTTP_LIMITS: HttpLimits = {
  headBytes: 8 * 1_024,
  bodyBytes: 1_024,
  requestMs: 5_000,
  responseMs: 5_000,
  partingMs: 500,
  waiting: 64,
  answering: 64,
  parting: 64,
  unsent: 64,
  acceptPauseMs: 100,
};
