/** The copy of a value, or why there is none. */

import { takeSnapshot, type JsonObject } from "../src/snapshot.ts";

interface Taken {
  readonly json: JsonObject;
  readonly thaw: () => Record<string, unknown>;
}

/** The copy of a value that is accepted. */
export function taken(value: unknown): Taken {
  const result = takeSnapshot(value);
  if (!result.ok) throw new Error(`refused: ${result.problem}`);
  return result;
}

/** Why a value is refused. */
export function problemOf(value: unknown): string {
  const result = takeSnapshot(value);
  if (result.ok) throw new Error(`accepted as ${JSON.stringify(result.json)}`);
  return result.problem;
}
