/**
 * CASL: a subject type for every capability, so that its own index finds the rules, and conditions that are functions, its
 * quickest kind. The rule written last wins, so deny comes last; its `reason` carries the decision.
 */

import { Subject } from "./flatten.mjs";

export const packages = ["@casl/ability"];

const LAST_WINS = ["allow", "require_approval", "deny"];

/** What conditions of one kind and value ask of a subject. */
const CONDITIONS = {
  contains: (text) => (subject) => subject.text.includes(text),
  amount_gt: (limit) => (subject) => subject.payload.amount > limit,
  amount_lte: (limit) => (subject) => subject.payload.amount <= limit,
  environment: (name) => (subject) => subject.environment === name,
};

/**
 * @param {[typeof import("@casl/ability")]} modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export function create([{ Ability }], { rules }) {
  const ability = new Ability(
    LAST_WINS.flatMap((section) =>
      rules
        .filter((rule) => rule.section === section)
        .map(({ capability, condition, value }) => ({
          action: "call",
          subject: capability,
          conditions: CONDITIONS[condition](value),
          inverted: section === "deny",
          reason: section,
        })),
    ),
    { conditionsMatcher: (condition) => condition, detectSubjectType: ({ capability }) => capability },
  );
  return {
    prepare: (request) => request,
    decide: (request) => ability.relevantRuleFor("call", new Subject(request))?.reason ?? "deny",
  };
}
