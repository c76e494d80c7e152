/** `examples`: calls that a rule says of itself it applies to, or does not. */

import { ActionEvent } from "../event.ts";
import { Subject, type ReportProblem } from "./conditions/condition.ts";
import { askRule, ruleFires, type Rule } from "./rule.ts";

/** Reports every example of a rule that it does not treat as it says. `path` leads from the examples. */
export function checkExamples(rule: Rule, examples: unknown, report: ReportProblem): void {
  const { match = [], not_match = [] } = examples as Readonly<Record<string, readonly unknown[] | undefined>>;
  match.forEach((example, index) => check(rule, example, true, (message) => report(["match", index], message)));
  not_match.forEach((example, index) =>
    check(rule, example, false, (message) => report(["not_match", index], message)),
  );
}

function check(rule: Rule, example: unknown, expected: boolean, report: (message: string) => void): void {
  try {
    const fires = ruleFires(rule, askRule(rule, "yes", new Subject(eventOf(example))));
    if (fires !== expected)
      report(expected ? "this rule does not apply to this example" : "this rule applies to this example");
  } catch (error) {
    report(error instanceof TypeError ? `is no call: ${error.message}` : "is no call");
  }
}

/** A text is short for a payload with that text. */
function eventOf(example: unknown): ActionEvent {
  const fields = typeof example === "string" ? { payload: { text: example } } : (plain(example) as object);
  const event = ActionEvent.create({ actor: "example", action: "example", resource: "example", ...fields });
  if (event.payloadProblem !== undefined) throw new TypeError(event.payloadProblem);
  return event;
}

/** Mappings of a document have no prototype; those of payloads do. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
