/** Whether the tests run with what stands in for the @std packages; of those Deno tells their address on the network. */
export const HAS_STAND_INS = import.meta.resolve("@std/path").startsWith("file:");
