import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { verifyLog } from "../../src/audit/verify.ts";
import { ApprovalError, PolicyLoadError } from "../../src/errors.ts";
import { ActionEvent, type ActionEventFields, type Verdict } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { altered } from "../audit/tampering.ts";
import { APPROVAL_DIFFERENCES } from "../policy/conformance-differences.ts";

interface Expectation {
  readonly authorized?: boolean;
  readonly decision?: string;
  readonly reason?: string;
  readonly error?: string;
  readonly ok?: boolean;
  readonly count?: number;
  readonly chain_valid?: boolean;
}

interface GivenGrant {
  readonly actor: string;
  readonly capability: string;
  readonly environment?: string;
  readonly session_id?: string;
  readonly duration_seconds?: number;
  readonly granted_by?: string;
}

interface Step {
  readonly op: "grant" | "execute" | "advance" | "approve" | "reject" | "pending" | "audit" | "tamper_grant";
  readonly event?: Record<string, unknown>;
  readonly grant?: GivenGrant;
  readonly seconds?: number;
  readonly set?: Readonly<Record<string, unknown>>;
  readonly expect?: Expectation;
  readonly sane?: Expectation;
}

interface Case {
  readonly id: string;
  readonly surface?: string;
  readonly policy: string;
  /** Laid beside the policy. */
  readonly files?: Readonly<Record<string, string>>;
  readonly mode?: "observe";
  readonly grants?: readonly GivenGrant[];
  readonly steps?: readonly Step[];
  readonly event?: Record<string, unknown>;
  readonly expect: Expectation;
  readonly sane?: Expectation;
  readonly quirk?: string;
  readonly quirk_effect?: string;
}

const JUDGED_REASONS = ["policy_allow", "policy_deny", "policy_default_deny"];

/** What the host may not say of an event, the original found; here it may say more. */
const REFUSED_EVENT = "event_invalid";

const cases = readFileSync("__tests__/fixtures/conformance/open.jsonl", "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case)
  .filter(({ grants, steps, surface, expect: { error } }) => {
    return (grants !== undefined || steps !== undefined) && surface === undefined && error !== REFUSED_EVENT;
  });

const directory = mkdtempSync(join(tmpdir(), "capfence-approval-conformance-"));
let logs = 0;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-01-15T10:00:00Z") }));
afterEach(() => void vi.useRealTimers());
afterAll(() => rmSync(directory, { recursive: true }));

function eventOf(given: Record<string, unknown> = {}): ActionEventFields {
  const { metadata, ...fields } = given as { metadata?: Record<string, unknown> };
  const { capability, scope, session_id: sessionId, ...context } = metadata ?? {};
  return {
    environment: "development",
    ...fields,
    capability,
    scope,
    sessionId,
    context,
  } as unknown as ActionEventFields;
}

function policyOf({ id, policy, files }: Case): Policy {
  if (files === undefined) return Policy.parse(policy);
  const home = join(directory, id);
  mkdirSync(home, { recursive: true });
  for (const [name, text] of Object.entries({ ...files, "policy.yaml": policy })) writeFileSync(join(home, name), text);
  return Policy.load(join(home, "policy.yaml"));
}

/** One case's runtime, on a log of its own. */
class Subject {
  readonly #path = join(directory, `audit-${(logs += 1)}.db`);
  readonly #policy: Policy;
  readonly #mode: "enforce" | "observe";
  #runtime: ActionRuntime;
  /** The request last made. */
  #asked = "nobody-asked";

  constructor(policy: Policy, mode: "enforce" | "observe" = "enforce") {
    this.#policy = policy;
    this.#mode = mode;
    this.#runtime = this.#open();
  }

  #open(): ActionRuntime {
    return ActionRuntime.fromPolicy(this.#policy, { auditLog: this.#path, mode: this.#mode });
  }

  async close(): Promise<void> {
    await this.#runtime.close();
  }

  /** A grant that means nothing is not made. */
  async grant(given: GivenGrant): Promise<boolean> {
    const { actor, capability, environment, session_id: session, duration_seconds: seconds = 3600, granted_by } = given;
    const whom = { agent: actor, capability, environment, session, by: granted_by ?? "ops-team" };
    try {
      await this.#runtime.approvals.grant({ ...whom, expiresInSeconds: seconds });
      return true;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  async execute(event: Record<string, unknown> | undefined): Promise<Verdict | "corrupt"> {
    try {
      const verdict = await this.#runtime.execute(eventOf(event));
      this.#asked = verdict.approvalId ?? this.#asked;
      return verdict;
    } catch (error) {
      // Nothing runs.
      if ((error as { code?: unknown }).code === "ERR_AUDIT_CORRUPT") return "corrupt";
      throw error;
    }
  }

  async answer(verb: "approve" | "reject"): Promise<boolean> {
    try {
      await this.#runtime.approvals[verb](this.#asked, { by: "a-reviewer" });
      return true;
    } catch (error) {
      if (error instanceof ApprovalError) return false;
      throw error;
    }
  }

  async pending(): Promise<number> {
    return (await this.#runtime.approvals.pending()).length;
  }

  async isIntact(): Promise<boolean> {
    return (await verifyLog(this.#path)).intact;
  }

  /** Changes a member of the grant in the file, whose chain is not made anew. */
  async tamper(set: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#runtime.close();
    const names: Readonly<Record<string, string>> = { expires_at: "expires", granted_by: "by" };
    const work = Object.entries(set).map(([name, value]) => {
      const path = `'$.${names[name] ?? name}', '${String(value)}'`;
      return `UPDATE entries SET body = json_set(body, ${path}) WHERE kind = 'grant'`;
    });
    writeFileSync(this.#path, altered(readFileSync(this.#path), work.join(";")));
    this.#runtime = this.#open();
  }
}

function agrees(verdict: Verdict | "corrupt", { authorized, decision, reason = "" }: Expectation): boolean {
  if (verdict === "corrupt") return authorized === false;
  if (authorized !== undefined && verdict.authorized !== authorized) return false;
  if (decision !== undefined && verdict.decision !== decision) return false;
  return !JUDGED_REASONS.includes(reason) || verdict.reason === reason;
}

/** What is expected of a case or a step; `undefined` when the original's answer is only for information. */
function expectation(each: Pick<Case, "expect" | "sane">, { quirk, quirk_effect }: Case): Expectation | undefined {
  if (quirk === undefined) return each.expect;
  if (each.sane !== undefined) return { authorized: each.sane.authorized ?? false };
  return quirk_effect === "fail_open" && each.expect?.authorized === true ? { authorized: false } : undefined;
}

async function disagreement(each: Case): Promise<string | undefined> {
  let policy: Policy;
  try {
    policy = policyOf(each);
  } catch (error) {
    if (!(error instanceof PolicyLoadError)) throw error;
    return each.expect.error === undefined && each.expect.authorized === true ? "the policy is refused" : undefined;
  }
  const subject = new Subject(policy, each.mode);
  try {
    return await (each.steps === undefined ? singleCall(each, subject) : sequence(each, each.steps, subject));
  } finally {
    await subject.close().catch(() => {});
  }
}

async function singleCall(each: Case, subject: Subject): Promise<string | undefined> {
  for (const grant of each.grants ?? []) await subject.grant(grant);
  const verdict = await subject.execute(each.event);
  const expected = expectation(each, each);
  return expected === undefined || agrees(verdict, expected) ? undefined : shown(verdict);
}

async function sequence(each: Case, steps: readonly Step[], subject: Subject): Promise<string | undefined> {
  for (const [index, step] of steps.entries()) {
    const last = each.steps?.length === index + 1;
    const expected =
      step.sane ??
      (each.quirk === undefined ? step.expect : last ? expectation({ expect: step.expect ?? {} }, each) : {});
    const problem = await stepProblem(step, expected ?? {}, subject);
    if (problem !== undefined) return `step ${index + 1}, ${step.op}: ${problem}`;
  }
  return undefined;
}

function differs(got: boolean | number, wanted: boolean | number | undefined): string | undefined {
  return wanted === undefined || got === wanted ? undefined : `${String(got)}, instead of ${String(wanted)}`;
}

async function stepProblem(step: Step, expected: Expectation, subject: Subject): Promise<string | undefined> {
  if (step.op === "grant" && step.grant !== undefined) return differs(await subject.grant(step.grant), expected.ok);
  if (step.op === "approve" || step.op === "reject") return differs(await subject.answer(step.op), expected.ok);
  if (step.op === "pending") return differs(await subject.pending(), expected.count);
  if (step.op === "audit") return differs(await subject.isIntact(), expected.chain_valid);
  if (step.op === "tamper_grant") await subject.tamper(step.set ?? {});
  if (step.op === "advance") vi.setSystemTime(Date.now() + (step.seconds ?? 0) * 1000);
  if (step.op !== "execute") return undefined;
  const verdict = await subject.execute(step.event);
  return agrees(verdict, expected) ? undefined : shown(verdict);
}

function shown(verdict: Verdict | "corrupt"): string {
  return verdict === "corrupt" ? verdict : `${verdict.decision}, ${verdict.reason}, authorized: ${verdict.authorized}`;
}

/** Whether people have a say in it: where they have none, the policy's own conformance has been looked at elsewhere. */
function needsPeople(each: Case): boolean {
  if (each.steps !== undefined) return true;
  try {
    return policyOf(each).evaluate(ActionEvent.create(eventOf(each.event))).decision === "require_approval";
  } catch {
    return true;
  }
}

describe("conformance with the original, where people are asked", { timeout: 60_000 }, () => {
  it("agrees wherever no difference is listed, and lists none that is none", async () => {
    const asked = cases.filter(needsPeople);
    expect(asked.length).toBeGreaterThan(90);
    const found: Record<string, string> = {};
    for (const each of asked) {
      const problem = await disagreement(each);
      if (problem !== undefined) found[each.id] = problem;
    }
    process.stdout.write(
      `conformance with approvals: ${asked.length} run, ${Object.keys(found).length} differ on purpose, ` +
        `${cases.length - asked.length} need nobody\n`,
    );
    expect(Object.fromEntries(Object.entries(found).filter(([id]) => !(id in APPROVAL_DIFFERENCES)))).toEqual({});
    expect(Object.keys(APPROVAL_DIFFERENCES).filter((id) => !(id in found))).toEqual([]);
  });

  it("lets no call run, with whatever grant, that the policy does not leave to people", async () => {
    const others = cases.filter((each) => !needsPeople(each) && each.grants !== undefined).slice(0, 40);
    for (const each of others) {
      const subject = new Subject(policyOf(each));
      for (const grant of each.grants ?? []) await subject.grant(grant);
      const verdict = await subject.execute(each.event);
      await subject.close();
      const alone = policyOf(each).evaluate(ActionEvent.create(eventOf(each.event)));
      expect(verdict, each.id).toMatchObject({ decision: alone.decision, reason: alone.reason });
    }
  });
});
