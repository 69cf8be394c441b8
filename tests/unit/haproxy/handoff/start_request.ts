/** A start of HAProxy that takes over from nothing. */
import { NO_NEEDS } from "../../../../lib/config/needs.ts";

export const START_REQUEST = {
  generation: 1,
  takeOverFrom: null,
  files: [],
  origin: {
    haproxy: { options: [], configurations: [], filesAfterDashes: null, directory: null },
    envFile: null,
    needs: () => NO_NEEDS,
  },
};
