/** `caller_depth_gt`, `_gte`, `_lt`, `_lte`: how many agents called one another to get here, as the host knows it. */

import type { Json, JsonObject } from "../../snapshot.ts";
import { atMostMaybe, either, type Answer } from "../answer.ts";
import { THRESHOLD } from "../document/json-schema.ts";
import type { ConditionKind } from "./condition.ts";
import { compare, COMPARISONS, type ComparisonName } from "./amount/quantity.ts";

const FIELD = "caller_depth";

/** `no` without a depth in the context, `maybe` when it cannot be read. A depth in the payload adds at most a `maybe`. */
export function callerDepth(name: ComparisonName): ConditionKind {
  const comparison = COMPARISONS[name];
  return {
    schema: {
      ...THRESHOLD,
      description: `Holds when caller_depth, which the host sets in the context, is ${comparison.words} this number.`,
    },
    compile: (value) => {
      const threshold = Number(value);
      const said = (record: JsonObject): Answer => {
        const depth = depthIn(record);
        return depth === undefined ? "no" : compare(comparison, depth, threshold);
      };
      return {
        heedsClaims: true,
        ask: ({ event, heedsClaims }) => {
          const known = said(event.context);
          return heedsClaims ? either(known, atMostMaybe(said(event.payload))) : known;
        },
        made: ({ event, heedsClaims }) => ({
          together: either,
          answers: [() => said(event.context), ...(heedsClaims ? [() => atMostMaybe(said(event.payload))] : [])],
        }),
        why: ({ event }) => {
          const depth = depthIn(event.context);
          if (said(event.payload) !== "no") return "the payload claims such a depth";
          return depth === undefined ? "the context has no caller_depth" : `the depth is ${JSON.stringify(depth)}`;
        },
      };
    },
  };
}

function depthIn(record: JsonObject): Json | undefined {
  return Object.hasOwn(record, FIELD) ? (record[FIELD] ?? undefined) : undefined;
}
