/** CapFence, the built package. Events are made beforehand, as the gate makes them before it asks. */

export const packages = ["../../dist/index.js"];

/**
 * @param {[typeof import("../../dist/index.js")]} modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export function create([{ ActionEvent, Policy }], { yaml }) {
  const policy = Policy.parse(yaml);
  return {
    prepare: (request) => ActionEvent.create(request),
    decide: (event) => policy.evaluate(event).decision,
  };
}
