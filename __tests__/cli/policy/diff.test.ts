import { appendFileSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { ActionEventFields } from "../../../src/event.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { ActionRuntime, type RefusalReason } from "../../../src/runtime/runtime.ts";
import type { ActionRuntimeOptions } from "../../../src/runtime/options.ts";
import { Workplace } from "../captured-host.ts";
import { inPlace, writeFiles } from "./policy-files.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

const SEND = { actor: "ann", resource: "payments", action: "send", environment: "production" } as const;

/** Records calls under pay.yaml in a log of their own. */
async function record(
  log: string,
  calls: readonly (ActionEventFields & { readonly refused?: RefusalReason })[],
  options: ActionRuntimeOptions = {},
): Promise<void> {
  const policy = Policy.load(place.path("pay.yaml"));
  const runtime = ActionRuntime.fromPolicy(policy, { ...options, auditLog: place.path(log) });
  for (const { refused, ...call } of calls) {
    await (refused === undefined ? runtime.execute(call) : runtime.refuse(call, refused));
  }
  await runtime.close();
}

beforeAll(async () => {
  writeFiles(place);
  writeFileSync(place.path("text.jsonl"), '{"capability":"a.b"}\nnot json\n');
  writeFileSync(place.path("typo.jsonl"), '\n{"capability":"a.b","enviroment":"test"}\n');
  writeFileSync(place.path("empty.jsonl"), "");
  writeFileSync(place.path("torn.yaml"), "cases:\n  - name: one\n");
  await record("audit.db", [
    { ...SEND, payload: { amount: 500 } },
    { ...SEND, payload: { amount: 5 } },
  ]);
});

const diff = async (argv: readonly string[]) => await place.run(["policy", "diff", ...argv]);
const counts = async (argv: readonly string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await diff([...argv, "--json"]);
  const {
    old: _old,
    new: _new,
    undecided: _undecided,
    transitions,
    ...numbers
  } = JSON.parse(stdout) as Record<string, unknown>;
  return { ...numbers, groups: (transitions as { from: string; to: string }[]).map(({ from, to }) => `${from} ${to}`) };
};

describe("exit codes", () => {
  it.each([
    [["pay.yaml", "looser.yaml", "--cases", "calls.jsonl"], 3],
    [["pay.yaml", "looser.yaml", "--cases", "calls.jsonl", "--json"], 3],
    [["pay.yaml", "looser.yaml", "--cases", "pay.test.yaml"], 3],
    [["pay.yaml", "looser.yaml", "--audit-log", "audit.db"], 3],
    [["looser.yaml", "pay.yaml", "--cases", "calls.jsonl"], 0],
    [["pay.yaml", "pay.yaml", "--cases", "calls.jsonl"], 0],
    [["pay.yaml", "stricter.yaml", "--audit-log", "audit.db"], 0],
    [["pay.yaml", "looser.yaml", "--cases", "empty.jsonl"], 0],
    [["pay.yaml", "broken.yaml", "--cases", "calls.jsonl"], 3],
    [["missing.yaml", "pay.yaml", "--cases", "calls.jsonl"], 3],
    [["pay.yaml", "looser.yaml", "--cases", "missing.jsonl"], 1],
    [["pay.yaml", "looser.yaml", "--cases", "missing.yaml"], 1],
    [["pay.yaml", "looser.yaml", "--cases", "text.jsonl"], 1],
    [["pay.yaml", "looser.yaml", "--cases", "typo.jsonl"], 1],
    [["pay.yaml", "looser.yaml", "--cases", "torn.yaml"], 1],
    [["pay.yaml", "looser.yaml", "--audit-log", "missing.db"], 1],
    [["pay.yaml", "looser.yaml", "--audit-log", "pay.yaml"], 1],
    [["pay.yaml", "looser.yaml"], 2],
    [["pay.yaml", "looser.yaml", "--cases", "calls.jsonl", "--audit-log", "audit.db"], 2],
    [["pay.yaml", "--cases", "calls.jsonl"], 2],
    [["pay.yaml", "looser.yaml", "looser.yaml", "--cases", "calls.jsonl"], 2],
  ])("%j exits %d", async (argv, code) => {
    expect((await diff(argv)).code).toBe(code);
  });

  it.each([
    ["text.jsonl", /^capfence: text\.jsonl:2: it is not JSON: [^\n]+\n$/],
    ["typo.jsonl", /^capfence: typo\.jsonl:2: "enviroment" is no field of an event\n$/],
    ["torn.yaml", /^capfence: torn\.yaml is not a valid suite\n[^\n]+torn\.yaml:2:5 error: cases\[0\]/],
  ])("says where %s is wrong", async (file, message) => {
    const { stdout, stderr } = await diff(["pay.yaml", "looser.yaml", "--cases", file]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
  });
});

describe("what it prints", () => {
  it("groups what changed, newly allowed first", async () => {
    const { stdout } = await diff(["pay.yaml", "looser.yaml", "--cases", "calls.jsonl"]);
    expect(inPlace(place, stdout)).toEqual([
      "deny → allow: 2 calls",
      "  1 call: no-xx at pay.yaml:3 → allow[0] at looser.yaml:3",
      "  1 call: policy_default_deny → allow[1] at looser.yaml:5",
      "call    agent_id  capability       environment  old                  new       payload",
      'line 2  agent     payments.send    production   no-xx                allow[0]  {"amount":5,"country":"XX"}',
      "line 6  agent     payments.refund  staging      policy_default_deny  allow[1]  {}",
      "",
      "require_approval → allow: 1 call",
      "  1 call: require_approval[0] at pay.yaml:7 → allow[0] at looser.yaml:3",
      "call    agent_id  capability     environment  old                  new       payload",
      'line 3  ann       payments.send  production   require_approval[0]  allow[0]  {"amount":500}',
      "",
      "4 calls: 3 decided differently, 1 alike.",
      "✗ 3 newly allowed.",
    ]);
  });

  it("names the cases of a suite", async () => {
    const { stdout } = await diff(["pay.yaml", "stricter.yaml", "--cases", "pay.test.yaml"]);
    const lines = inPlace(place, stdout);
    expect(lines[0]).toBe("deny → require_approval: 1 call");
    expect(lines[3]).toMatch(/^denies a country /);
    expect(lines[5]).toBe("allow → require_approval: 1 call");
    expect(lines.slice(-2)).toEqual(["3 calls: 2 decided differently, 1 alike.", "✓ Nothing is newly allowed."]);
  });

  it("shows at most 20 of a group, and all of them to programs", async () => {
    appendFileSync(place.path("many.jsonl"), '{"capability":"files.read"}\n'.repeat(30));
    const { stdout } = await diff(["pay.yaml", "looser.yaml", "--cases", "many.jsonl"]);
    expect(inPlace(place, stdout).slice(22)).toEqual([
      expect.stringMatching(/^line 20 /),
      "and 10 more",
      "",
      "30 calls: 30 decided differently, 0 alike.",
      "✗ 30 newly allowed.",
    ]);
    const json = await diff(["pay.yaml", "looser.yaml", "--cases", "many.jsonl", "--json"]);
    const { transitions } = JSON.parse(json.stdout) as { transitions: { examples: unknown[] }[] };
    expect(transitions[0]?.examples).toHaveLength(30);
  });

  it("has one object for programs", async () => {
    const { stdout } = await diff(["pay.yaml", "looser.yaml", "--audit-log", "audit.db", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      old: { file: "pay.yaml", digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      new: { file: "looser.yaml" },
      calls: 2,
      unchanged: 1,
      otherRule: 0,
      changed: 1,
      newlyAllowed: 1,
      newlyDenied: 0,
      undecidable: 0,
      refused: 0,
      transitions: [
        {
          from: "require_approval",
          to: "allow",
          count: 1,
          rules: [{ old: { rule: { id: "require_approval[0]" } }, new: { rule: { id: "allow[0]" } }, count: 1 }],
          examples: [{ name: "entry 1", actor: "ann", payload: { amount: 500 }, new: { decision: "allow" } }],
        },
      ],
    });
  });

  it("escapes what comes from outside", async () => {
    writeFileSync(place.path("hostile.jsonl"), '{"capability":"files.read","actor":"a\\u001b[2J\\u202e"}\n');
    const { stdout } = await diff(["pay.yaml", "looser.yaml", "--cases", "hostile.jsonl"]);
    expect(stdout).toContain(String.raw`a\u{1b}[2J\u{202e}`);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe("recorded calls", () => {
  const loosened = ["pay.yaml", "looser.yaml", "--audit-log"];

  const LARGE = { amount: 500, list: Array.from({ length: 40_000 }, () => 1) };
  const TOKEN = `ghp_${"a".repeat(36)}`;
  const NEWLY = { changed: 1, newlyAllowed: 1, undecidable: 0, refused: 0 };
  const NEEDED = { changed: 0, newlyAllowed: 0, undecidable: 1, refused: 0 };

  it.each<readonly [string, ActionEventFields, ActionRuntimeOptions, object]>([
    [
      "a member that no rule needs",
      { ...SEND, payload: { amount: 500, pin: 1 } },
      { audit: { redact: ["pin"] } },
      NEWLY,
    ],
    ["a secret that no rule needs", { ...SEND, payload: { amount: 500, key: TOKEN } }, {}, NEWLY],
    ["a text that no rule needs", { ...SEND, payload: { amount: 500, text: "x".repeat(70_000) } }, {}, NEWLY],
    ["a context that no rule needs", { ...SEND, payload: { amount: 500 }, context: { tenant: TOKEN } }, {}, NEWLY],
    ["a member that a rule needs", { ...SEND, payload: { amount: 500 } }, { audit: { redact: ["amount"] } }, NEEDED],
    ["a payload that was too large", { ...SEND, payload: LARGE }, {}, NEEDED],
    ["payloads not recorded", { ...SEND, payload: { amount: 500 } }, { audit: { payload: "none" } }, NEEDED],
    [
      "a payload that can't be judged",
      { ...SEND, payload: { amount: Number.NaN } },
      {},
      { changed: 0, newlyAllowed: 0, undecidable: 0, refused: 1 },
    ],
  ])("that lack something: %s", async (name, call, options, expected) => {
    const log = `${name.replaceAll(/\W/g, "-")}.db`;
    await record(log, [call], options);
    expect(await counts([...loosened, log])).toMatchObject({ calls: 1, unchanged: 0, ...expected });
  });

  it("say what is undecidable, and why", async () => {
    await record("needed.db", [{ ...SEND, payload: { amount: 500 } }], { audit: { redact: ["amount"] } });
    const { code, stdout } = await diff([...loosened, "needed.db"]);
    expect(code).toBe(0);
    expect(inPlace(place, stdout)).toEqual([
      "undecidable: 1 call",
      "  1 call: require_approval[0].amount_gt needs payload.amount; allow[0].amount_lte needs payload.amount (entry 1)",
      "",
      "1 call: 0 decided differently, 0 alike.",
      "1 undecidable: the record does not say enough.",
      "Nothing is known to be newly allowed; 1 undecidable call may be.",
    ]);
  });

  it("can't be newly allowed by the policy that decided before, whatever is not known", async () => {
    await record("same.db", [{ ...SEND, payload: { amount: 500 } }], { audit: { redact: ["amount"] } });
    const { code, stdout } = await diff(["pay.yaml", "pay.yaml", "--audit-log", "same.db"]);
    expect(code).toBe(0);
    expect(inPlace(place, stdout)).toEqual([
      "undecidable: 1 call",
      "  1 call: require_approval[0].amount_gt needs payload.amount; allow[0].amount_lte needs payload.amount (entry 1)",
      "",
      "1 call: 0 decided differently, 0 alike.",
      "1 undecidable: the record does not say enough.",
      "✓ Nothing is newly allowed.",
    ]);
  });

  it("may be decided alike by another rule", async () => {
    writeFileSync(place.path("moved.yaml"), "allow:\n  - payments.refund\n  - payments.send\n");
    writeFileSync(place.path("small.jsonl"), '{"capability":"payments.send","payload":{"amount":5}}\n');
    const { code, stdout } = await diff(["pay.yaml", "moved.yaml", "--cases", "small.jsonl"]);
    expect(code).toBe(0);
    expect(inPlace(place, stdout)).toEqual([
      "allow, by another rule: 1 call",
      "  1 call: allow[0] at pay.yaml:10 → allow[1] at moved.yaml:3",
      expect.stringMatching(/^call /),
      expect.stringMatching(/^line 1 /),
      "",
      "1 call: 0 decided differently, 1 alike, 1 of these by another rule.",
      "✓ Nothing is newly allowed.",
    ]);
  });

  it("are not a policy's to decide when the host refused them", async () => {
    await record("refused.db", [{ ...SEND, payload: { amount: 500 }, refused: "unknown_tool" }]);
    expect(await counts([...loosened, "refused.db"])).toMatchObject({
      calls: 1,
      unchanged: 0,
      refused: 1,
      groups: [],
    });
  });

  it("are decided with scope, risk, context and environment", async () => {
    const call = { actor: "ann", resource: "shell", action: "run", payload: {} };
    await record("whole.db", [
      { ...call, scope: "sandbox", environment: "test", risk: "high", context: { tenant: "acme" } },
      { ...call, scope: "sandbox", environment: "test", risk: "low", context: { tenant: "acme" } },
      { ...call, environment: "test", risk: "high", context: { tenant: "acme" } },
      { ...call, scope: "sandbox", environment: "test", risk: "high", context: { tenant: "else" } },
      { ...call, scope: "sandbox", environment: "staging", risk: "high", context: { tenant: "acme" } },
    ]);
    const rule = "{ capability: shell.run.sandbox, risk_level: high, tenant: acme, environment: test }";
    writeFileSync(place.path("whole.yaml"), `allow: [${rule}]\n`);
    expect(await counts(["pay.yaml", "whole.yaml", "--audit-log", "whole.db"])).toMatchObject({
      calls: 5,
      newlyAllowed: 1,
      unchanged: 4,
    });
  });

  it("may come as lines of capfence logs --json", async () => {
    const { stdout } = await place.run(["logs", "--json"]);
    writeFileSync(place.path("logs.jsonl"), stdout);
    expect(await counts(["pay.yaml", "looser.yaml", "--cases", "logs.jsonl"])).toMatchObject({
      calls: 2,
      newlyAllowed: 1,
    });
  });
});
