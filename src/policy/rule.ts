/** One rule, compiled: a capability pattern, conditions as closures, and the decision it makes. */

import type { Decision, DecisionKind, RuleReference } from "../event.ts";
import { both, type Answer } from "./answer.ts";
import type { Condition, Subject } from "./conditions/condition.ts";

/** The sections of a policy from the strictest to the mildest: the order in which they are asked. */
export const SECTIONS: readonly DecisionKind[] = ["deny", "require_approval", "allow"];

/** A rule as it is asked. Frozen. */
export interface Rule {
  readonly capability: string;
  /** All must hold. */
  readonly conditions: readonly Condition[];
  /** What is decided when this rule is the one that counts. */
  readonly decision: Decision & { readonly rule: RuleReference };
}

/** What a rule says about an event to which its capability has answered `capability`. Never throws. */
export function askRule(rule: Rule, capability: Answer, subject: Subject): Answer {
  let answer = capability;
  for (const condition of rule.conditions) {
    answer = both(answer, ask(condition, subject));
    if (answer === "no") break;
  }
  return answer;
}

/** A condition that fails has understood nothing: it may stop a call, but must not let one through. */
function ask(condition: Condition, subject: Subject): Answer {
  try {
    return condition(subject);
  } catch {
    return "maybe";
  }
}
