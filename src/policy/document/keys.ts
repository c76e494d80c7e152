/** Keys that no mapping of a policy may have. */

import { findInvisible } from "../invisible.ts";
import { showKey } from "./path.ts";

/** Keys that mean something to JavaScript objects and nothing to policies. */
const DANGEROUS_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** What is wrong with a key, as a sentence; `undefined` when nothing is. `plain`: it was written without quotes. */
export function keyProblem(name: string, plain: boolean): string | undefined {
  const invisible = findInvisible(name);
  if (invisible !== undefined) return `the key ${showKey(name)} has the invisible character ${invisible}`;
  if (DANGEROUS_KEYS.has(name)) return `the key ${showKey(name)} is not allowed anywhere in a policy`;
  if (name === "<<" && plain) return "a merge key; write the keys out, a policy has to be readable as it stands";
  return undefined;
}
