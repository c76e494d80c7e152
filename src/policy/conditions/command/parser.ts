/** The full parser of shell scripts, loaded by the first policy that needs it. */

import { createRequire } from "node:module";

import type * as Parser from "unbash";

let loaded: typeof Parser | undefined;

/** Loads the parser, or answers the one that is loaded. Synchronous: Node 20.19 and newer load ES modules so too. */
export function loadParser(): typeof Parser {
  loaded ??= createRequire(import.meta.url)("unbash") as typeof Parser;
  return loaded;
}
