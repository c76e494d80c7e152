/** `environment`, `user_role`, `tenant`, `tool_name`, `risk_level`: what the event and the host's context say. */

import type { ActionEvent } from "../../event.ts";
import type { Json } from "../../snapshot.ts";
import { atMostMaybe, either } from "../answer.ts";
import { oneOrList, SCALAR } from "../document/json-schema.ts";
import { riskLevelOf } from "../risk.ts";
import { listed, type ConditionKind } from "./condition.ts";
import { compileScalars } from "./scalar.ts";

/** Where the trusted value is found. */
type Read = (event: ActionEvent) => Json | undefined;

/** From the event's own environment. */
export const environment: ConditionKind = contextCondition("environment", (event) => event.environment);

/** From the risk the event has, or else the context names; always in lower case. */
export const riskLevel: ConditionKind = contextCondition("risk_level", riskLevelOf);

/** From the context's field of the same name. */
export function contextField(field: string): ConditionKind {
  return contextCondition(field, ({ context }) => (Object.hasOwn(context, field) ? context[field] : undefined));
}

/** `no` when the value is absent. A payload field of that name whose value would match adds at most a `maybe`. */
function contextCondition(field: string, read: Read): ConditionKind {
  return {
    schema: oneOrList(
      SCALAR,
      "a list of texts",
      `Holds when the ${field} is this, or any of these. Text may be a glob: * is any text, ? one character.`,
    ),
    compile: (value) => {
      const test = compileScalars(value);
      const claimed = ({ payload }: ActionEvent) =>
        Object.hasOwn(payload, field) ? atMostMaybe(claims(payload[field] ?? null)) : "no";
      const claims = (json: Json) => (isMapping(json) ? "no" : test(json));
      return {
        heedsClaims: true,
        ask: ({ event, heedsClaims }) => {
          const known = test(read(event) ?? null);
          return heedsClaims ? either(known, claimed(event)) : known;
        },
        made: ({ event, heedsClaims }) => ({
          together: either,
          answers: [() => test(read(event) ?? null), ...(heedsClaims ? [() => claimed(event)] : [])],
        }),
        why: ({ event }) => {
          const known = read(event);
          if (test(known ?? null) === "no" && claimed(event) !== "no") return `the payload claims such a ${field}`;
          if (known === undefined || known === null) return `there is no ${field}`;
          return `the ${field} is ${JSON.stringify(known)}, asked for ${listed(value)
            .map((each) => JSON.stringify(each))
            .join(" or ")}`;
        },
      };
    },
  };
}

function isMapping(json: Json): boolean {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
