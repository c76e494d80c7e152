/** Calls that the tests of policies judge. */

import { ActionEvent, type ActionEventFields, type Decision } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";

/** An event with everything but the interesting fields filled in: `shell.execute` in production. */
export function call(fields: Partial<ActionEventFields> = {}): ActionEvent {
  return ActionEvent.create({
    actor: "agent",
    action: "execute",
    resource: "shell",
    environment: "production",
    ...fields,
  });
}

/** What `policy` decides about a call. */
export function decide(policy: string, fields: Partial<ActionEventFields> = {}): Decision {
  return Policy.parse(policy).evaluate(call(fields));
}
