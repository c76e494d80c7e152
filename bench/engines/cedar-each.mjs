/** Cedar with a policy set for every capability, which the host chooses: no longer its own index, but its best. */

import { byCapability } from "./by-capability.mjs";
import { authorize, parse } from "./cedar.mjs";

export { packages } from "./cedar.mjs";

/**
 * @param {[typeof import("@cedar-policy/cedar-wasm/nodejs")]} modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export function create([cedar], { rules }) {
  const groups = byCapability(rules);
  for (const [capability, own] of groups) parse(cedar, capability, own);
  return {
    prepare: (request) => request,
    decide: (request) => (groups.has(request.capability) ? authorize(cedar, request.capability, request) : "deny"),
  };
}
