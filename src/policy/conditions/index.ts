/** Every condition of the policy language, by its key in a rule. Its shape in YAML is in `../schema.ts`. */

import type { CompileCondition } from "./condition.ts";
import { compileContains } from "./contains.ts";

/** Compilers by key. A new condition is a file beside this one, a line here and an entry in `CONDITION_SCHEMAS`. */
export const CONDITIONS: Readonly<Record<string, CompileCondition>> = {
  contains: compileContains,
};
