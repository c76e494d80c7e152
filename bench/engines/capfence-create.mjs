/** CapFence with `ActionEvent.create` in the timed part: its copy of the payload, which no other engine takes. */

export const packages = ["../../dist/index.js"];

/**
 * @param {[typeof import("../../dist/index.js")]} modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export function create([{ ActionEvent, Policy }], { yaml }) {
  const policy = Policy.parse(yaml);
  return {
    prepare: (request) => request,
    decide: (request) => policy.evaluate(ActionEvent.create(request)).decision,
  };
}
