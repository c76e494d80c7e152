import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { ActionEvent, type Decision } from "../../src/event.ts";
import { PolicyLoadError } from "../../src/errors.ts";
import { Policy } from "../../src/policy/policy.ts";
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
  readonly files?: Readonly<Record<string, string>>;
  readonly policy_path?: string;
  readonly cwd?: string;
  readonly event?: Record<string, unknown>;
  readonly mode?: string;
  readonly expect: Expectation;
  readonly sane?: Expectation;
  readonly quirk?: string;
  readonly quirk_effect?: string;
}

/** What only approvals, sequences or other ways in can answer. */
const OTHER_ROOMS = ["grants", "steps", "surface"];

const JUDGED_REASONS = ["policy_allow", "policy_deny", "policy_default_deny"];

/** Most differences there may be; more would be another language. */
const MAX_DIFFERENCES = 40;

const cases = readFileSync("__tests__/fixtures/conformance/open.jsonl", "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case);

/** The host may say more in its context than the original took as metadata. */
const moreIsKnown = ({ event, expect: { error } }: Case): boolean =>
  error === "event_invalid" && Object.keys((event?.["metadata"] as object | undefined) ?? {}).some(rejected);

/** Whether the original refused an event for having such metadata. */
const rejected = (key: string): boolean => !["capability", "scope", "session_id"].includes(key);

const run = cases.filter(
  (each) => each.event !== undefined && !OTHER_ROOMS.some((key) => key in each) && !moreIsKnown(each),
);

const directory = mkdtempSync(join(tmpdir(), "capfence-conformance-"));
const home = process.cwd();
afterAll(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

/** Loads the policy of a case, with its files around it and from the directory it is loaded from. */
function policyOf(each: Case): Policy {
  if (each.files === undefined && each.policy_path === undefined && !/^extends:/m.test(each.policy)) {
    return Policy.parse(each.policy);
  }
  const root = join(directory, each.id);
  const path = each.policy_path ?? "policy.yaml";
  for (const [name, text] of Object.entries({ ...each.files, [path]: each.policy })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  process.chdir(join(root, each.cwd ?? "."));
  try {
    return Policy.load(join(root, path));
  } finally {
    process.chdir(home);
  }
}

/** What CapFence decides; `undefined` when it refuses the policy or the event. */
function answer(each: Case): Decision | undefined {
  const { metadata, ...fields } = each.event as { metadata?: Record<string, unknown> };
  const { capability, scope, session_id: sessionId, ...context } = metadata ?? {};
  try {
    const event = { environment: "development", ...fields, capability, scope, sessionId, context };
    return policyOf(each).evaluate(ActionEvent.create(event as never));
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
        `${cases.length - run.length} are about approvals, sequences or other ways in\n`,
    );
    expect(Object.fromEntries([...disagreements].filter(([id]) => !(id in DIFFERENCES)))).toEqual({});
  });

  it("lists few differences, and none that is none", () => {
    expect(Object.keys(DIFFERENCES).filter((id) => !disagreements.has(id))).toEqual([]);
    expect(Object.keys(DIFFERENCES).length).toBeLessThanOrEqual(MAX_DIFFERENCES);
  });

  it("authorizes nothing that the original let through by mistake", () => {
    const open = run.filter((each) => each.quirk_effect === "fail_open" && each.sane?.authorized !== true);
    expect(open.length).toBeGreaterThan(50);
    expect(open.filter((each) => answer(each)?.decision === "allow").map(({ id }) => id)).toEqual([]);
  });

  it("runs cases of every feature of the language", () => {
    const features = new Set(run.map(({ feature }) => feature));
    for (const feature of new Set(cases.map((each) => each.feature))) {
      const others = ["audit", "fixture", "grants", "pack-fixtures", "replay", "requests", "tool-wrapper"];
      expect(features.has(feature) || others.includes(feature), feature).toBe(true);
    }
  });
});
