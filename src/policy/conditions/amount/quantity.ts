/** Quantities and the four comparisons with them: `gt`, `gte`, `lt`, `lte`. */

import type { Json } from "../../../snapshot.ts";
import type { Answer } from "../../answer.ts";

/** The ending of a key that compares quantities. */
export type ComparisonName = "gt" | "gte" | "lt" | "lte";

/** How to compare, and how to say it. */
export interface Comparison {
  /** Goes between a thing and a number: `over`, `at least`. */
  readonly words: string;
  readonly holds: (value: number, threshold: number) => boolean;
}

/** The comparisons, by the ending of their keys. */
export const COMPARISONS: Readonly<Record<ComparisonName, Comparison>> = {
  gt: { words: "over", holds: (value, threshold) => value > threshold },
  gte: { words: "at least", holds: (value, threshold) => value >= threshold },
  lt: { words: "under", holds: (value, threshold) => value < threshold },
  lte: { words: "at most", holds: (value, threshold) => value <= threshold },
};

/** The four comparisons, in the order of documents. */
export const COMPARISON_NAMES: readonly ComparisonName[] = ["gt", "gte", "lt", "lte"];

const PLAIN_DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;
/**
 * Significant decimal digits that a number of JavaScript always keeps (DBL_DIG of IEEE 754): decimals of so many digits are
 * different numbers, in the same order, so that comparing the numbers compares the decimals exactly.
 */
export const EXACT_DIGITS = 15;

/**
 * The quantity a value says: a finite number, or text that is a plain decimal, white space around it aside. `undefined`
 * when it cannot be read as surely as the tool would: `"1,000"`, `"1e3"`, `true`, a list, more digits than are exact.
 */
export function readQuantity(value: Json): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  if (!PLAIN_DECIMAL.test(text) || text.replace(/^[+-]?0*|\D/g, "").length > EXACT_DIGITS) return undefined;
  return Number(text);
}

/** How a value compares; `maybe` when it is no quantity that can be read. */
export function compare({ holds }: Comparison, value: Json, threshold: number): Answer {
  const quantity = readQuantity(value);
  if (quantity === undefined) return "maybe";
  return holds(quantity, threshold) ? "yes" : "no";
}
