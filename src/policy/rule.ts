/** One rule, compiled: a capability pattern, conditions as closures, and the decision it makes. */

import type { Decision, DecisionKind, RuleReference } from "../event.ts";
import { both, fires, type Answer } from "./answer.ts";
import type { Condition, Subject } from "./conditions/condition.ts";
import type { Path } from "./document/path.ts";
import type { PolicySource } from "./document/sources.ts";

/** The sections of a policy from the strictest to the mildest: the order in which they are asked. */
export const SECTIONS: readonly DecisionKind[] = ["deny", "require_approval", "allow"];

/** A condition and the key under which it is written. */
export interface NamedCondition extends Condition {
  readonly key: string;
}

/** A rule as it is asked. */
export interface Rule {
  readonly capability: string;
  /** All must hold. */
  readonly conditions: readonly NamedCondition[];
  /** What is decided when this rule is the one that counts. */
  readonly decision: Decision & { readonly rule: RuleReference };
  /** Its position among all rules of the policy, those of the files it extends first. */
  readonly order: number;
}

/** Where a rule is written, for those who talk about it. */
export interface WrittenRule extends Rule {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly source: PolicySource;
  readonly path: Path;
}

/** What a rule says about an event to which its capability has answered `capability`. Never throws. */
export function askRule(rule: Rule, capability: Answer, subject: Subject): Answer {
  let answer = capability;
  for (const condition of rule.conditions) {
    answer = both(answer, askCondition(condition, subject));
    if (answer === "no") break;
  }
  return answer;
}

/** A condition that fails has understood nothing: it may stop a call, but must not let one through. */
export function askCondition(condition: Condition, subject: Subject): Answer {
  try {
    return condition.ask(subject);
  } catch {
    return "maybe";
  }
}

/** Whether a rule takes effect on this answer. */
export function ruleFires({ decision }: Rule, answer: Answer): boolean {
  return fires(decision.decision, answer);
}
