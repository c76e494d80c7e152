/** Three-valued answers: what cannot be understood can be stopped, but is never let through. */

import type { DecisionKind } from "../event.ts";

/** What a condition says about one event. `maybe`: it could not be decided, or holds only after normalisation. */
export type Answer = "yes" | "maybe" | "no";

/** Both must hold: `no` if either is `no`, else `maybe` if either is `maybe`, else `yes`. */
export function both(left: Answer, right: Answer): Answer {
  if (left === "no" || right === "no") return "no";
  return left === "yes" ? right : "maybe";
}

/** Whether a rule of this section takes effect on this answer: restrictions on `yes` and `maybe`, permissions on `yes`. */
export function fires(section: DecisionKind, answer: Answer): boolean {
  return answer === "yes" || (answer === "maybe" && section !== "allow");
}
