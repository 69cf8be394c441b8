/** All faults that can be injected and healed, by subject. */
import { BINARY_FAULTS } from "./binary.ts";
import { CONFIGURATION_FAULTS } from "./configuration.ts";
import { DESCRIPTOR_FAULTS } from "./descriptors.ts";
import type { Fault } from "../fault.ts";
import { FOLDER_FAULTS } from "./folder.ts";
import { NEW_PROCESS_FAULTS } from "./new_process.ts";
import { OLD_PROCESS_FAULTS } from "./old_process.ts";
import { OUTPUT_FAULTS } from "./output.ts";
import { SURROUNDINGS_FAULTS } from "./surroundings.ts";
import { WRAPPER_FAULTS } from "./wrapper.ts";

/** Made anew for each world, because some keep state until they are healed. */
export const FAMILIES: Readonly<Record<string, () => readonly Fault[]>> = {
  "the new process": NEW_PROCESS_FAULTS,
  "the old process": OLD_PROCESS_FAULTS,
  "the binary": BINARY_FAULTS,
  "the private folder": FOLDER_FAULTS,
  "file descriptors": DESCRIPTOR_FAULTS,
  "the configuration": CONFIGURATION_FAULTS,
  "the surroundings": SURROUNDINGS_FAULTS,
  "stdout": OUTPUT_FAULTS,
  "the wrapper": WRAPPER_FAULTS,
};

export const allFaults = () => Object.values(FAMILIES).flatMap((make) => make());
