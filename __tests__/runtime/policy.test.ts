import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { readEntries } from "../../src/audit/read.ts";
import {
  ActionRuntime,
  AuditUnavailableError,
  Policy,
  PolicyLoadError,
  type ActionRuntimeOptions,
} from "../../src/index.ts";

const ALLOW = "allow:\n  - shell.execute\n";
const DENY = "deny:\n  - shell.execute\n";
const CALL = { actor: "agent", action: "execute", resource: "shell", payload: { command: "ls" } };

let directory: string;
let policyPath: string;
let auditLog: string;
const runtimes: ActionRuntime[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "capfence-runtime-"));
  policyPath = join(directory, "policy.yaml");
  auditLog = join(directory, "audit.db");
  writeFileSync(policyPath, ALLOW);
});
afterEach(async () => {
  vi.useRealTimers();
  for (const runtime of runtimes.splice(0)) await runtime.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(options: ActionRuntimeOptions = {}, policy: string | Policy = policyPath): ActionRuntime {
  const runtime = ActionRuntime.fromPolicy(policy, { auditLog, ...options });
  runtimes.push(runtime);
  return runtime;
}

async function entriesOf(kind: string): Promise<object[]> {
  const found: object[] = [];
  for await (const { entry } of readEntries(auditLog)) if (entry.kind === kind) found.push(entry);
  return found;
}

describe("observing", () => {
  it("lets everything run and records what would have happened", async () => {
    writeFileSync(policyPath, `${DENY}require_approval:\n  - email.send\nallow:\n  - files.read\n`);
    const runtime = open({ mode: "observe" });
    const verdicts = [
      await runtime.execute(CALL),
      await runtime.execute({ ...CALL, resource: "email", action: "send" }),
      await runtime.execute({ ...CALL, resource: "files", action: "read" }),
      await runtime.execute({ ...CALL, resource: "unknown" }),
    ];
    expect(verdicts.map(({ authorized, enforced, decision }) => [authorized, enforced, decision])).toEqual([
      [true, false, "deny"],
      [true, false, "require_approval"],
      [true, true, "allow"],
      [true, false, "deny"],
    ]);
    const recorded = (await entriesOf("decision")) as { authorized: boolean; enforced?: boolean; decision: string }[];
    expect(recorded.map(({ authorized, enforced, decision }) => [authorized, enforced, decision])).toEqual([
      [true, false, "deny"],
      [true, false, "require_approval"],
      [true, undefined, "allow"],
      [true, false, "deny"],
    ]);
  });

  it("still blocks a payload that can't be judged, and a log that can't be written", async () => {
    const runtime = open({ mode: "observe" });
    const verdict = await runtime.execute({ ...CALL, payload: { when: Number.NaN } });
    expect(verdict).toMatchObject({ authorized: false, enforced: true, reason: "payload_invalid" });
    const nowhere = open({ mode: "observe", auditLog: join(directory, "missing", "audit.db") });
    await expect(nowhere.execute(CALL)).rejects.toBeInstanceOf(AuditUnavailableError);
  });

  it("is asked for by no other word", () => {
    for (const mode of ["Observe", "off", "", true]) {
      expect(() => open({ mode: mode as "observe" })).toThrow(/^ActionRuntime: mode must be/);
    }
  });
});

describe("reading the policy anew", () => {
  it("puts another policy in force and records that", async () => {
    const runtime = open();
    await expect(runtime.execute(CALL)).resolves.toMatchObject({ authorized: true });
    writeFileSync(policyPath, DENY);
    await expect(runtime.reload()).resolves.toBe(true);
    await expect(runtime.execute(CALL)).resolves.toMatchObject({ authorized: false, reason: "policy_deny" });
    expect(await entriesOf("policy")).toMatchObject([
      { policy: Policy.parse(DENY).digest, previous: Policy.parse(ALLOW).digest },
    ]);
  });

  it("records nothing when the policy means the same", async () => {
    const runtime = open();
    await runtime.execute(CALL);
    writeFileSync(policyPath, `# a remark\n${ALLOW}`);
    await expect(runtime.reload()).resolves.toBe(false);
    expect(await entriesOf("policy")).toEqual([]);
    await expect(runtime.execute(CALL)).resolves.toMatchObject({ rule: { source: { line: 3 } } });
  });

  it.each([
    ["no longer a policy", "allow: [\n"],
    ["empty", ""],
  ])("keeps the policy in force when the file is %s, and records each problem once", async (_name, text) => {
    const runtime = open();
    writeFileSync(policyPath, text);
    await expect(runtime.reload()).rejects.toBeInstanceOf(PolicyLoadError);
    await expect(runtime.reload()).rejects.toBeInstanceOf(PolicyLoadError);
    await expect(runtime.execute(CALL)).resolves.toMatchObject({ authorized: true });
    expect(await entriesOf("policy")).toMatchObject([
      { policy: Policy.parse(ALLOW).digest, problem: expect.stringContaining(policyPath) as string },
    ]);
    writeFileSync(policyPath, DENY);
    await expect(runtime.reload()).resolves.toBe(true);
    await expect(runtime.execute(CALL)).resolves.toMatchObject({ authorized: false });
  });

  it("is refused for a policy that came from no file", async () => {
    await expect(open({}, Policy.parse(ALLOW)).reload()).rejects.toThrow(TypeError);
    expect(() => open({ watch: true }, Policy.parse(ALLOW))).toThrow(TypeError);
  });

  it("judges calls made together under one policy each", async () => {
    const runtime = open();
    writeFileSync(policyPath, DENY);
    const [first, changed, second] = await Promise.all([
      runtime.execute(CALL),
      runtime.reload(),
      runtime.execute(CALL),
    ]);
    expect(changed).toBe(true);
    const digests = new Map([
      [Policy.parse(ALLOW).digest, true],
      [Policy.parse(DENY).digest, false],
    ]);
    const decisions = (await entriesOf("decision")) as { policy: string; authorized: boolean }[];
    expect(decisions.map(({ policy, authorized }) => digests.get(policy) === authorized)).toEqual([true, true]);
    expect([first.authorized, second.authorized]).toEqual(decisions.map(({ authorized }) => authorized));
  });
});

describe("watching the policy's files", () => {
  it("puts a change in force, and tells of a broken file once", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const problems: Error[] = [];
    const runtime = open({ watch: true, onPolicyError: (error) => void problems.push(error) });
    writeFileSync(policyPath, DENY);
    await look(async () => !(await runtime.execute(CALL)).authorized);
    writeFileSync(policyPath, "alow:\n  - shell.execute\n");
    await look(() => problems.length > 0);
    await look(() => true);
    expect(problems).toEqual([expect.any(PolicyLoadError)]);
    await expect(runtime.execute(CALL)).resolves.toMatchObject({ authorized: false });
    writeFileSync(policyPath, ALLOW);
    await look(async () => (await runtime.execute(CALL)).authorized);
  });

  it.each([
    ["a change", DENY, []],
    ["that a file is broken", "allow: [\n", [PolicyLoadError]],
  ])("records %s as soon as the log can be written, without another change", async (_name, text, later) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const late = join(directory, "late");
    auditLog = join(late, "audit.db");
    const problems: Error[] = [];
    const runtime = open({ watch: true, onPolicyError: (error) => void problems.push(error) });
    writeFileSync(policyPath, text);
    await look(() => problems.length > 0);
    await look(() => true);
    // Waits for that look, too.
    await expect(runtime.reload()).rejects.toBeInstanceOf(AuditUnavailableError);
    expect(problems).toHaveLength(1);
    mkdirSync(late);
    await runtime.execute(CALL);
    await look(async () => (await entriesOf("policy")).length > 0);
    await look(() => problems.length > later.length);
    expect(problems).toEqual([AuditUnavailableError, ...later].map((kind) => expect.any(kind) as Error));
    expect(await entriesOf("policy")).toHaveLength(1);
  });

  it.each([
    ["broken", "allow: [\n"],
    ["missing", undefined],
    [
      "wrong about its examples",
      `allow:\n  - {capability: db, sql: {kinds: select}, examples: {not_match: [select 1]}}\n`,
    ],
  ])("takes an extended file that was %s as soon as it is corrected", async (_name, text) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const base = join(directory, "base.yaml");
    const problems: Error[] = [];
    const runtime = open({ watch: true, onPolicyError: (error) => void problems.push(error) });
    if (text !== undefined) writeFileSync(base, text);
    writeFileSync(policyPath, `extends: base.yaml\n${ALLOW}`);
    await look(() => problems.length > 0);
    await look(() => true);
    // Waits for that look, too.
    await expect(runtime.reload()).rejects.toBeInstanceOf(PolicyLoadError);
    expect(problems).toEqual([expect.any(PolicyLoadError)]);
    writeFileSync(base, DENY);
    await look(async () => !(await runtime.execute(CALL)).authorized);
    expect(await entriesOf("policy")).toHaveLength(2);
  });

  it("takes a change that kept the file's length and time", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const time = new Date("2026-01-15T10:00:00Z");
    utimesSync(policyPath, time, time);
    const runtime = open({ watch: true });
    await look(() => true);
    // Waits for that look, too.
    await runtime.reload();
    writeFileSync(policyPath, DENY.padEnd(ALLOW.length, "\n"));
    utimesSync(policyPath, time, time);
    await look(async () => !(await runtime.execute(CALL)).authorized);
  });

  it("tells of a file that can't even be looked at, and takes it when it can be", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const problems: Error[] = [];
    const runtime = open({ watch: true, onPolicyError: (error) => void problems.push(error) });
    rmSync(policyPath);
    symlinkSync(policyPath, policyPath);
    await look(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ issues: [{ message: expect.stringContaining("a loop of symbolic links") }] });
    rmSync(policyPath);
    writeFileSync(policyPath, DENY);
    await look(async () => !(await runtime.execute(CALL)).authorized);
    expect(problems).toEqual([expect.any(PolicyLoadError)]);
  });
});

/** Lets the watch look until `done`. */
async function look(done: () => boolean | Promise<boolean>): Promise<void> {
  do {
    await vi.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  } while (!(await done()));
}
