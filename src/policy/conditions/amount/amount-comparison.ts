/** `amount_gt`, `amount_gte`, `amount_lt`, `amount_lte`: how much a call is about. */

import type { JsonObject } from "../../../snapshot.ts";
import { alike, same } from "../../answer.ts";
import { THRESHOLD } from "../../document/json-schema.ts";
import type { ConditionKind } from "../condition.ts";
import { AMOUNT_FIELDS } from "./amount.ts";
import { compare, COMPARISONS, readQuantity, type ComparisonName } from "./quantity.ts";

/**
 * `yes` when all amounts in the payload satisfy the comparison, `maybe` when some do or one cannot be read, `no` when none
 * does or there is none.
 */
export function amountComparison(name: ComparisonName): ConditionKind {
  const comparison = COMPARISONS[name];
  return {
    schema: {
      ...THRESHOLD,
      description: `Holds when every amount at the top of the payload (${AMOUNT_FIELDS.join(", ")}) is ${comparison.words} this number.`,
    },
    compile: (value) => {
      const threshold = Number(value);
      return {
        ask: ({ event: { payload } }) => {
          if (hasOthers(payload))
            return alike(present(payload).map((field) => compare(comparison, payload[field] ?? null, threshold)));
          const { amount } = payload;
          return amount === undefined || !Object.hasOwn(payload, "amount")
            ? "no"
            : compare(comparison, amount, threshold);
        },
        made: ({ event: { payload } }) => ({
          together: same,
          answers: present(payload).map((field) => () => compare(comparison, payload[field] ?? null, threshold)),
        }),
        why: ({ event: { payload } }) => {
          const fields = present(payload);
          if (fields.length === 0) return "the payload has no amount";
          return fields
            .map((field) => `${field} is ${readQuantity(payload[field] ?? null) ?? "no plain number"}`)
            .join(", ");
        },
      };
    },
  };
}

/**
 * Whether any of {@link AMOUNT_FIELDS} but `amount` may be there, which is the only one in most payloads. The engine finds
 * fields that are read by their names many times quicker than those of a list.
 */
function hasOthers({ total, value, sum, quantity, price, cost }: JsonObject): boolean {
  if (total !== undefined || value !== undefined || sum !== undefined) return true;
  return quantity !== undefined || price !== undefined || cost !== undefined;
}

function present(payload: JsonObject): readonly string[] {
  return AMOUNT_FIELDS.filter((field) => Object.hasOwn(payload, field));
}
