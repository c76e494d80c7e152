/**
 * casbin: one enforcer with all policies, as its documents have it, and one function for every kind of condition. The first
 * line that matches decides, so deny comes first; the line carries the decision.
 */

import { createRequire } from "node:module";

import { Subject } from "./flatten.mjs";

export const packages = ["casbin/package.json"];

// Its ES module build imports what only resolves from CommonJS.
const require = createRequire(import.meta.url);

const FIRST_WINS = ["deny", "require_approval", "allow"];

const MODEL = `
[request_definition]
r = capability, subject

[policy_definition]
p = capability, condition, value, decision, eft

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = r.capability == p.capability && holds(r.subject, p.condition, p.value)
`;

/**
 * @param {unknown} _modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export async function create(_modules, { rules }) {
  const decide = await enforcerOf(rules);
  return { prepare: (request) => request, decide };
}

/**
 * @param {readonly import("./serve.mjs").Rule[]} rules
 * @returns {Promise<(request: import("./serve.mjs").Request) => string>}
 */
export async function enforcerOf(rules) {
  /** @type {typeof import("casbin")} */
  const { newEnforcer, newModelFromString, StringAdapter } = require("casbin");
  const lines = FIRST_WINS.flatMap((section) =>
    rules
      .filter((rule) => rule.section === section)
      .map(({ capability, condition, value }) =>
        ["p", capability, condition, value, section, section === "deny" ? "deny" : "allow"].join(", "),
      ),
  );
  const enforcer = await newEnforcer(newModelFromString(MODEL), new StringAdapter(lines.join("\n")));
  await enforcer.addFunction("holds", holds);
  return (request) => enforcer.enforceExSync(request.capability, new Subject(request))[1][3] ?? "deny";
}

function holds(subject, condition, value) {
  switch (condition) {
    case "contains":
      return subject.text.includes(value);
    case "amount_gt":
      return subject.payload.amount > Number(value);
    case "amount_lte":
      return subject.payload.amount <= Number(value);
    default:
      return subject.environment === value;
  }
}
