/**
 * Cedar: one set with all policies, parsed beforehand, each scoped to its action. Cedar knows two decisions; an approval is
 * a `permit` whose name says so among the policies that determined the answer.
 */

import { flatten } from "./flatten.mjs";

export const packages = ["@cedar-policy/cedar-wasm/nodejs"];

const CONDITIONS = {
  contains: (text) => `context.text like "*${text}*"`,
  amount_gt: (limit) => `context has amount && context.amount > ${limit}`,
  amount_lte: (limit) => `context has amount && context.amount <= ${limit}`,
  environment: (name) => `context.environment == "${name}"`,
};

const EVERY_POLICY = "every policy";

/**
 * @param {[typeof import("@cedar-policy/cedar-wasm/nodejs")]} modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export function create([cedar], { rules }) {
  parse(cedar, EVERY_POLICY, rules);
  return {
    prepare: (request) => request,
    decide: (request) => authorize(cedar, EVERY_POLICY, request),
  };
}

/**
 * @param {typeof import("@cedar-policy/cedar-wasm/nodejs")} cedar
 * @param {string} set
 * @param {readonly import("./serve.mjs").Rule[]} rules
 */
export function parse({ preparsePolicySet }, set, rules) {
  const policies = rules.map(({ section, capability, condition, value }, index) => {
    const effect = section === "deny" ? "forbid" : "permit";
    const scope = `principal, action == Action::"${capability}", resource`;
    return [`${section} ${index}`, `${effect}(${scope}) when { ${CONDITIONS[condition](value)} };`];
  });
  const answer = preparsePolicySet(set, { staticPolicies: Object.fromEntries(policies) });
  if (answer.type !== "success") throw new Error(JSON.stringify(answer.errors));
}

/**
 * @param {typeof import("@cedar-policy/cedar-wasm/nodejs")} cedar
 * @param {string} set
 * @param {import("./serve.mjs").Request} request
 */
export function authorize({ statefulIsAuthorized }, set, { capability, environment, payload }) {
  const text = flatten(payload);
  const { response } = statefulIsAuthorized({
    principal: { type: "Agent", id: "bench" },
    action: { type: "Action", id: capability },
    resource: { type: "Tool", id: "tool" },
    context: "amount" in payload ? { text, environment, amount: payload.amount } : { text, environment },
    preparsedPolicySetId: set,
    entities: [],
  });
  if (response.decision === "deny") return "deny";
  const asks = response.diagnostics.reason.some((id) => id.startsWith("require_approval"));
  return asks ? "require_approval" : "allow";
}
