/**
 * Each fault by itself. They run in one form alone, with the first of the tasks' runs: what they are about
 * does not depend on the form.
 */
import { FAMILIES } from "./families/families.ts";
import { testFamily } from "./family.ts";

for (const [family, makeFaults] of Object.entries(FAMILIES)) testFamily(family, makeFaults());
