/** casbin with an enforcer for every capability, which the host chooses: no longer its own index, but its best. */

import { byCapability } from "./by-capability.mjs";
import { enforcerOf } from "./casbin.mjs";

export { packages } from "./casbin.mjs";

/**
 * @param {unknown} _modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export async function create(_modules, { rules }) {
  const enforcers = new Map();
  for (const [capability, own] of byCapability(rules)) enforcers.set(capability, await enforcerOf(own));
  return {
    prepare: (request) => request,
    decide: (request) => enforcers.get(request.capability)?.(request) ?? "deny",
  };
}
