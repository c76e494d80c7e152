/**
 * json-rules-engine: it asks every rule, so there is an engine for every capability. Rules of the stricter sections have the
 * higher priority, and the first that succeeds stops the run. Its `run` is asynchronous.
 */

import { byCapability } from "./by-capability.mjs";
import { flatten } from "./flatten.mjs";

export const packages = ["json-rules-engine"];

const PRIORITIES = { deny: 3, require_approval: 2, allow: 1 };

const CONDITIONS = {
  contains: { fact: "text", operator: "includes" },
  amount_gt: { fact: "amount", operator: "greaterThan" },
  amount_lte: { fact: "amount", operator: "lessThanInclusive" },
  environment: { fact: "environment", operator: "equal" },
};

/**
 * @param {[typeof import("json-rules-engine")]} modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export function create([{ Engine }], { rules }) {
  const engines = new Map();
  for (const [capability, own] of byCapability(rules)) {
    const engine = new Engine([], { allowUndefinedFacts: true });
    engine.addOperator("includes", (text, part) => text.includes(part));
    for (const { section, condition, value } of own) {
      engine.addRule({
        conditions: { all: [{ ...CONDITIONS[condition], value }] },
        event: { type: section },
        priority: PRIORITIES[section],
      });
    }
    engine.on("success", () => engine.stop());
    engines.set(capability, engine);
  }
  return {
    prepare: (request) => request,
    decide: async ({ capability, environment, payload }) => {
      const engine = engines.get(capability);
      if (engine === undefined) return "deny";
      const { events } = await engine.run({ text: flatten(payload), environment, amount: payload.amount });
      return events[0]?.type ?? "deny";
    },
  };
}
