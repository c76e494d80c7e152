import { readFileSync } from "node:fs";

import { load } from "js-yaml";
import { describe, expect, it } from "vitest";

import { ActionEvent, type Decision } from "../../src/event.ts";
import { PolicyLoadError } from "../../src/errors.ts";
import { Policy } from "../../src/policy/policy.ts";
import { POLICY_SCHEMA } from "../../src/policy/schema.ts";
import { DIFFERENCES } from "./conformance-differences.ts";

interface Expectation {
  readonly authorized?: boolean;
  readonly decision?: string;
  readonly reason?: string;
  readonly error?: string;
}

interface Case {
  readonly id: string;
  readonly feature: string;
  readonly policy: string;
  readonly event?: Record<string, unknown>;
  readonly expect: Expectation;
  readonly sane?: Expectation;
  readonly quirk?: string;
  readonly quirk_effect?: string;
}

/** Keys of the language that are not read yet. A policy that uses one is skipped; any other unknown key is judged. */
const LATER_KEYS = [
  "extends",
  "risk_levels",
  "rules",
  "approval_timeout_seconds",
  "examples",
  "match_regex",
  "match_keywords",
  "path_prefix",
  "payload",
  "table",
  "command",
  "sql",
  "url",
  "environment",
  "user_role",
  "tenant",
  "tool_name",
  "risk_level",
  ...["amount", "caller_depth"].flatMap((name) => ["gt", "gte", "lt", "lte"].map((test) => `${name}_${test}`)),
];

/** What only approvals, other files or other ways in can answer. */
const OTHER_ROOMS = ["grants", "steps", "files", "surface", "mode", "trace", "cwd", "policy_path"];

const JUDGED_REASONS = ["policy_allow", "policy_deny", "policy_default_deny"];

const cases = readFileSync("__tests__/fixtures/conformance/open.jsonl", "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case);

const known = new Set(
  JSON.stringify(POLICY_SCHEMA)
    .match(/"[a-z_]+":/g)
    ?.map((key) => key.slice(1, -2)),
);
const later = new Set(LATER_KEYS.filter((key) => !known.has(key)));

function usesLaterKeys(policy: string): boolean {
  let document: unknown;
  try {
    document = load(policy, { maxAliases: 10 });
  } catch {
    return false;
  }
  const mappings = [document, ...Object.values(document ?? {}).flat()];
  return mappings.some(
    (each) => typeof each === "object" && each !== null && Object.keys(each).some((key) => later.has(key)),
  );
}

function expressible(each: Case): boolean {
  return each.event !== undefined && !OTHER_ROOMS.some((key) => key in each) && !usesLaterKeys(each.policy);
}

/** What CapFence decides; `undefined` when it refuses the policy or the event. */
function answer(each: Case): Decision | undefined {
  const { metadata, ...fields } = each.event as { metadata?: Record<string, unknown> };
  const { capability, scope, session_id: sessionId, ...context } = metadata ?? {};
  try {
    const event = { environment: "development", ...fields, capability, scope, sessionId, context };
    return Policy.parse(each.policy).evaluate(ActionEvent.create(event as never));
  } catch (error) {
    if (error instanceof PolicyLoadError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** How the answer disagrees with what is expected; `undefined` when it agrees. */
function disagreement(each: Case): string | undefined {
  const decided = answer(each);
  const authorized = decided?.decision === "allow";
  const got = decided === undefined ? "refused" : `${decided.decision}, ${decided.reason}`;
  if (each.quirk !== undefined) {
    const may =
      each.sane?.authorized ?? (each.quirk_effect === "fail_open" || each.sane !== undefined ? false : authorized);
    return authorized === may ? undefined : `${got}, instead of ${may ? "authorized" : "not authorized"}`;
  }
  const { error, decision, reason = "" } = each.expect;
  const agrees =
    error === undefined
      ? decided?.decision === decision && (!JUDGED_REASONS.includes(reason) || decided?.reason === reason)
      : decided === undefined;
  return agrees ? undefined : `${got}, instead of ${error ?? `${decision}, ${reason}`}`;
}

describe("conformance with the original", () => {
  const run = cases.filter(expressible);
  const disagreements = new Map(
    run.flatMap((each) => {
      const found = disagreement(each);
      return found === undefined ? [] : [[each.id, found] as const];
    }),
  );

  it("agrees wherever no difference is listed", () => {
    const judged = run.filter(({ quirk, quirk_effect, sane }) => {
      return quirk === undefined || sane !== undefined || quirk_effect === "fail_open";
    });
    process.stdout.write(
      `conformance: ${run.length} run, ${judged.length - disagreements.size} of ${judged.length} judged agree, ` +
        `${disagreements.size} differ on purpose, ${run.length - judged.length} quirks not judged, ` +
        `${cases.length - run.length} not yet expressible\n`,
    );
    expect(Object.fromEntries([...disagreements].filter(([id]) => !(id in DIFFERENCES)))).toEqual({});
  });

  it("lists no difference that is none", () => {
    expect(Object.keys(DIFFERENCES).filter((id) => !disagreements.has(id))).toEqual([]);
  });

  it("authorizes nothing that the original let through by mistake", () => {
    const open = run.filter((each) => each.quirk_effect === "fail_open" && each.sane?.authorized !== true);
    expect(open.filter((each) => answer(each)?.decision === "allow").map(({ id }) => id)).toEqual([]);
  });

  it("runs cases of every feature it can express", () => {
    const features = new Set(run.map(({ feature }) => feature));
    for (const feature of ["capability", "capability-request", "contains", "precedence"])
      expect(features).toContain(feature);
  });
});
