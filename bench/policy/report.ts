/** The comparison as tables in Markdown, and which targets were reached. */

import { meanOf, type Comparison, type EngineName, type Times } from "./compare.ts";
import type { LoadTimes } from "./load.ts";
import { KINDS, type Kind } from "./workload.ts";

const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

/** The general policy engines of the targets, by their own indexes. */
const GENERAL: readonly EngineName[] = ["opa", "cedar", "casbin"];
/** The same where the host keeps a policy set for every capability. */
const SORTED_BY_HOST: readonly EngineName[] = ["opa", "cedar-each", "casbin-each"];

const LABELS: Partial<Record<EngineName, string>> = {
  "cedar-each": "cedar, a set per capability",
  "casbin-each": "casbin, one per capability",
  "json-rules-engine": "json-rules-engine, one per capability",
  "capfence-create": "capfence, event made too",
  "flatten-once": "floor: flatten, lower case",
  "json-parse": "JSON.parse of the event",
};

/** Prints one scenario: microseconds for a decision, by kind, and how many times CapFence's time that is. */
export function printComparison(title: string, { times }: Comparison): void {
  const own = times.get("capfence");
  console.log(`\n${title}, µs a decision\n`);
  const head = ["", ...KIND_NAMES, "geometric mean", "capfence ="];
  const rows = [...times].map(([name, each]) => [
    LABELS[name] ?? name,
    ...KIND_NAMES.map((kind) => microseconds(each[kind])),
    microseconds(meanOf(each)),
    own === undefined ? "" : (meanOf(each) / meanOf(own)).toFixed(2),
  ]);
  printTable(head, rows);
}

/** Prints every target that the figures can be held against. */
export function printTargets(
  comparisons: ReadonlyMap<number | "dense", Comparison>,
  load: LoadTimes | undefined,
): void {
  const rows: string[][] = [];
  const add = (target: string, value: number, bound: number, atMost = false): void => {
    if (Number.isNaN(value)) return;
    const reached = atMost ? value <= bound : value >= bound;
    rows.push([
      target,
      `${atMost ? "at most" : "at least"} ${bound}`,
      value.toFixed(2),
      reached ? "reached" : "missed",
    ]);
  };
  for (const [size, comparison] of comparisons) {
    if (size === "dense") add("dense: CASL / capfence", ratio(comparison, "casl"), 3);
    else if (size >= 1_000) {
      const rules = `${size.toLocaleString("en")} rules`;
      add(`${rules}: CASL / capfence`, ratio(comparison, "casl"), 1.5);
      add(`${rules}: quickest of OPA, Cedar, casbin / capfence`, quickest(comparison, GENERAL), 10);
      add(`${rules}: the same, sorted by capability outside / capfence`, quickest(comparison, SORTED_BY_HOST), 10);
      add(`${rules}: JSON.parse / capfence`, ratio(comparison, "json-parse"), 1);
    }
  }
  add(
    "10,000 rules / 10 rules",
    mean(comparisons.get(10_000), "capfence") / mean(comparisons.get(10), "capfence"),
    2.5,
    true,
  );
  if (load !== undefined) add("loading 10,000 rules / js-yaml", load.policy / load.yaml, 2, true);
  console.log("\nTargets\n");
  printTable(["ratio", "target", "measured", ""], rows);
}

function quickest(comparison: Comparison, names: readonly EngineName[]): number {
  const ratios = names.map((name) => ratio(comparison, name)).filter((each) => !Number.isNaN(each));
  return ratios.length === 0 ? NaN : Math.min(...ratios);
}

function ratio(comparison: Comparison, name: EngineName): number {
  return mean(comparison, name) / mean(comparison, "capfence");
}

function mean(comparison: Comparison | undefined, name: EngineName): number {
  const times: Times | undefined = comparison?.times.get(name);
  return times === undefined ? NaN : meanOf(times);
}

function microseconds(nanoseconds: number): string {
  const value = nanoseconds / 1_000;
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  console.log(line(head));
  console.log(line(widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))));
  for (const row of rows) console.log(line(row));
}
