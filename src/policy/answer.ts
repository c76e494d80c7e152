/** Three-valued answers: what cannot be understood can be stopped, but is never let through. */

import type { DecisionKind } from "../event.ts";

/** What a condition says about one event. `maybe`: it could not be decided, or holds only after normalisation. */
export type Answer = "yes" | "maybe" | "no";

/** Both must hold: `no` if either is `no`, else `maybe` if either is `maybe`, else `yes`. */
export function both(left: Answer, right: Answer): Answer {
  if (left === "no" || right === "no") return "no";
  return left === "yes" ? right : "maybe";
}

/** Either will do: `yes` if either is `yes`, else `maybe` if either is `maybe`, else `no`. */
export function either(left: Answer, right: Answer): Answer {
  if (left === "yes" || right === "yes") return "yes";
  return left === "no" ? right : "maybe";
}

/**
 * What several things say together that one rule is about: `yes` if all do, `no` if none does or there are none, else
 * `maybe`.
 */
export function alike(answers: readonly Answer[]): Answer {
  const [first = "no", ...others] = answers;
  return others.reduce(same, first);
}

/** What both say, or `maybe` when they do not say the same. */
export function same(left: Answer, right: Answer): Answer {
  return left === right ? left : "maybe";
}

/** As much as can be said when the one who says it is not trusted: never `yes`. */
export function atMostMaybe(answer: Answer): Answer {
  return answer === "yes" ? "maybe" : answer;
}

/** Whether a rule of this section takes effect on this answer: restrictions on `yes` and `maybe`, permissions on `yes`. */
export function fires(section: DecisionKind, answer: Answer): boolean {
  return answer === "yes" || (answer === "maybe" && section !== "allow");
}
