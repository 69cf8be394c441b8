/** Catches what would otherwise end the program: errors that nobody has caught. */

/** Calls `report` with each one, so that no bug leaves HAProxy behind. */
export function catchBugs(report: (error: unknown) => void): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    report(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(event.reason);
  });
}
