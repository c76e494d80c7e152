/** What a decision costs without the log: CapFence by itself, and beside other policy engines. */

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { ActionEvent, Policy } from "../src/index.ts";
import { measure, report } from "./measure.ts";
import { ROUNDS, SLICE_MILLISECONDS } from "./policy/child.ts";
import { compare, type Comparison } from "./policy/compare.ts";
import { compareLoading } from "./policy/load.ts";
import { printComparison, printTargets } from "./policy/report.ts";
import { denseScenario, sparseScenario } from "./policy/workload.ts";

const SIZES = [10, 100, 1_000, 10_000];

/** The walkthrough's policy, then the comparison, which uses the built package: run `npm run build` first. */
export async function benchPolicy(): Promise<void> {
  await walkthrough();
  checkBuild();
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    const comparisons = new Map<number | "dense", Comparison>();
    console.log(`\nEngines side by side: medians of ${ROUNDS} slices of ${SLICE_MILLISECONDS} ms`);
    for (const size of SIZES) {
      const comparison = await compare(sparseScenario(size), directory);
      if (comparisons.size === 0) printParticipants(comparison);
      comparisons.set(size, comparison);
      printComparison(
        `${size.toLocaleString("en")} rules, ${(size / 10).toLocaleString("en")} capabilities`,
        comparison,
      );
    }
    const dense = await compare(denseScenario(), directory);
    comparisons.set("dense", dense);
    printComparison("Dense: 800 texts denied on one capability", dense);
    const load = await compareLoading(sparseScenario(10_000).yaml, directory);
    console.log(
      `\nLoading 10,000 rules (${(load.size / 1_024).toFixed(0)} KiB): ${load.policy.toFixed(0)} ms; ` +
        `js-yaml alone ${load.yaml.toFixed(0)} ms; ratio ${(load.policy / load.yaml).toFixed(2)}`,
    );
    printTargets(comparisons, load);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function printParticipants({ versions, missing }: Comparison): void {
  console.log(`  ${versions.join(", ")}`);
  if (missing.size === 0) return;
  const packages = [...missing].map(([name, wanted]) => `${name} (${wanted.join(", ")})`);
  console.log(`  Not installed, so left out: ${packages.join(", ")}. Run npm ci in bench/ to have them`);
}

/** The walkthrough's policy on its two calls, and on a 10 kB payload. */
async function walkthrough(): Promise<void> {
  const policy = Policy.load("policies/demo.yaml");
  const calls = { allow: "ls -la /tmp", deny: "rm -rf /var/lib/postgresql", "allow, 10 kB": "ls ".repeat(3_400) };
  const subjects = Object.entries(calls).map(([name, command]) => {
    const asked = event(command);
    return {
      name: `policy.evaluate, ${name}`,
      run: (times: number) => {
        for (let index = 0; index < times; index += 1) policy.evaluate(asked);
      },
    };
  });
  const create = {
    name: "ActionEvent.create",
    run: (times: number) => {
      for (let index = 0; index < times; index += 1) event("ls -la /tmp");
    },
  };
  report("A decision without the log", "µs", await measure([...subjects, create], 25, 2_000));
}

function event(command: string): ActionEvent {
  return ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload: { command } });
}

/** Figures of an old build would be taken for those of the source. */
function checkBuild(): void {
  const built = statSync(resolve("dist", "index.js"), { throwIfNoEntry: false });
  if (built === undefined) throw new Error("dist/ is missing. Run npm run build first");
  const changed = readdirSync("src", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
  if (Math.max(...changed) > built.mtimeMs) throw new Error("dist/ is older than src/. Run npm run build first");
}
