/** Calls that are given to a command as JSON. */

import type { DecisionEntry } from "../../audit/format/entry.ts";
import { ActionEvent, namedBy, type ActionEventFields } from "../../event.ts";
import { recordedCall, type KnownCall, type NotAsked } from "../../replay/recorded-call.ts";
import type { Host } from "../host.ts";

const FIELDS: ReadonlySet<string> = new Set<keyof ActionEventFields>([
  "actor",
  "action",
  "resource",
  "environment",
  "payload",
  "context",
  "capability",
  "scope",
  "risk",
  "sessionId",
]);

/**
 * The call that a JSON text is: an event's fields, or a decision as `capfence logs --json` prints it.
 *
 * @throws TypeError saying what is wrong, when it is neither.
 */
export function callFromJson(text: string, host: Host): KnownCall | NotAsked {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TypeError(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("it is not a JSON object");
  }
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields["kind"] === "decision") return recordedCall(fields as unknown as DecisionEntry);
  return { event: eventFromFields(fields, host), unknown: [] };
}

/**
 * The event with these fields. A capability alone says its resource and action; what is not said is what the runtime
 * would take.
 *
 * @throws TypeError naming the field that is wrong, unknown or missing.
 */
export function eventFromFields(fields: Readonly<Record<string, unknown>>, host: Host): ActionEvent {
  // A field that is misspelt would be left out, and the answer would be about another call.
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw new TypeError(`${JSON.stringify(unknown)} is no field of an event`);
  const isNamed = (name: string): boolean => fields[name] !== undefined && fields[name] !== null;
  if (!isNamed("capability") && !(isNamed("resource") && isNamed("action"))) {
    throw new TypeError("an event needs a capability, or a resource and an action");
  }
  const { capability } = fields;
  // With a capability that means nothing, that is what is wrong, and not the names it should have given.
  const isText = typeof capability === "string" && capability !== "";
  const named = isText ? namedBy(capability) : { resource: "none", action: "none" };
  const configured = host.env["CAPFENCE_ENVIRONMENT"];
  const environment = configured === undefined || configured === "" ? "production" : configured;
  const known = { actor: "agent", ...named, environment };
  try {
    return ActionEvent.create({ ...known, ...fields });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(error.message.replace(/^ActionEvent: /, ""), { cause: error });
  }
}
