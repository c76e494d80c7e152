import { describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { call } from "./calls.ts";

const policy = Policy.parse(
  [
    "deny:",
    "  - {capability: shell.execute, id: destructive, contains: rm -rf, environment: production}",
    "  - {capability: fs, id: other}",
    "require_approval:",
    "  - {capability: shell, id: high, risk_level: high}",
    "allow:",
    "  - {capability: shell, id: small, amount_lte: 10, user_role: ops}",
    "  - {capability: shell.execute, id: listing, payload: {command: {regex: ^ls}}}",
  ].join("\n"),
  { source: "agents.yaml" },
);

describe("Policy.explain", () => {
  it("tells of every rule that could apply what each condition answers, and which rule decides", () => {
    const { decision, request, rules } = policy.explain(call({ payload: { command: "rm  -rf /" } }));
    expect(decision).toMatchObject({ decision: "deny", rule: { id: "destructive" } });
    expect(request).toBe("shell.execute.production");
    expect(
      rules.map(({ rule, capability, conditions, answer, fires, winner }) => [
        rule.id,
        capability.answer,
        conditions.map((each) => `${each.key} ${each.answer}`),
        answer,
        fires,
        winner,
      ]),
    ).toEqual([
      ["destructive", "yes", ["contains maybe", "environment yes"], "maybe", true, true],
      ["high", "yes", ["risk_level no"], "no", false, false],
      ["small", "yes", ["amount_lte no", "user_role no"], "no", false, false],
      ["listing", "yes", ["payload no"], "no", false, false],
    ]);
  });

  it("says why in words", () => {
    const event = call({ payload: { command: "rm -rf", amount: 50 }, context: { user_role: "dev" }, risk: "low" });
    const answers = policy.explain(event).rules.flatMap(({ conditions }) => conditions.map((each) => each.why));
    expect(answers).toEqual([
      '"rm -rf" is in the payload',
      'the environment is "production", asked for "production"',
      'the risk_level is "low", asked for "high"',
      "amount is 50",
      'the user_role is "dev", asked for "ops"',
      "command does not match",
    ]);
  });

  it("says that no rule was asked", () => {
    const malformed = policy.explain(call({ capability: "shell..x" }));
    expect(malformed).toMatchObject({ request: undefined, rules: [], decision: { reason: "policy_default_deny" } });
    const invalid = policy.explain(call({ payload: { a: Number.NaN } }));
    expect(invalid).toMatchObject({ rules: [], decision: { reason: "payload_invalid" } });
    expect(invalid.payloadProblem).toContain("NaN");
  });

  it("tells of risk levels and of the host's wish", () => {
    const levels = Policy.parse("allow: [shell]\nrisk_levels: {high: {action: deny}, low: {action: warn}}");
    expect(levels.explain(call({ risk: "high", payload: { risk_level: "low" } }))).toMatchObject({
      risk: { level: "high", action: "deny" },
      claimedRisk: { level: "low", action: "warn" },
      approvalAskedByHost: false,
    });
    expect(levels.explain(call({ context: { require_approval: true } })).approvalAskedByHost).toBe(true);
  });

  it("is plain data", () => {
    const explained = policy.explain(call());
    expect(JSON.parse(JSON.stringify(explained))).toEqual(JSON.parse(JSON.stringify(explained)));
    expect(() => policy.explain({} as never)).toThrow(TypeError);
  });
});

describe("Policy.whyNotAllow", () => {
  it("names what stops a call", () => {
    const { allowed, blockers, risk } = policy.whyNotAllow(
      call({ payload: { command: "ls; rm -rf /" }, risk: "high" }),
    );
    expect(allowed).toBe(false);
    expect(blockers.map(({ rule }) => rule.id)).toEqual(["destructive", "high"]);
    expect(risk).toBeUndefined();
  });

  it("lists the allow rules that miss the least first, with what they miss", () => {
    const { blockers, nearest } = policy.whyNotAllow(call({ payload: { command: "cat" } }));
    expect(blockers).toEqual([]);
    expect(
      nearest.map(({ rule, conditions }) => [rule.id, conditions.filter(({ answer }) => answer !== "yes").length]),
    ).toEqual([
      ["listing", 1],
      ["small", 2],
    ]);
  });

  it("finds rules of other capabilities, and says that they are", () => {
    const { nearest } = policy.whyNotAllow(call({ action: "run", payload: { command: "ls" } }));
    expect(nearest.map(({ rule, capability }) => [rule.id, capability.answer])).toEqual([
      ["listing", "no"],
      ["small", "yes"],
    ]);
  });

  it("says when nothing is in the way, or nothing can be judged", () => {
    expect(policy.whyNotAllow(call({ payload: { command: "ls" } }))).toMatchObject({ allowed: true, blockers: [] });
    expect(policy.whyNotAllow(call({ capability: "*" })).problem).toContain("malformed");
    expect(policy.whyNotAllow(call({ payload: { a: Number.NaN } })).problem).toContain("NaN");
  });
});

async function why(rule: object, payload: object): Promise<string | undefined> {
  const asked = Policy.parse(JSON.stringify({ deny: [{ capability: "shell.execute", ...rule }] }));
  await asked.ready();
  return asked.explain(call({ payload })).rules[0]?.conditions.at(-1)?.why;
}

describe("explain of commands and statements", () => {
  it("shows every command, and which part of the rule answered what", async () => {
    const command = "ls && sudo rm -f x; $y -r; tmux new '$(rm) -r x'";
    expect(await why({ command: { program: "rm", flags: "recursive" } }, { command })).toBe(
      [
        '"ls" no (program: no)',
        '"sudo" no (program: no)',
        '"rm -f x" run by sudo no (flags: no)',
        '"$y -r" maybe (program: maybe)',
        `"tmux new '$(rm) -r x'" no (program: no)`,
        '"rm" perhaps run by tmux no (program: maybe, flags: no)',
        '"$(rm) -r x" perhaps run by tmux no (program: maybe, flags: no)',
        "more may run: the name of a program is not in the text",
        '"$(rm) -r x" may be code that runs more',
      ].join("; "),
    );
  });

  it("shows every statement, those inside others included, and which part of the rule answered what", async () => {
    const query = "with d as (delete from x where id = 1 returning *) select f(a) from d; select 2";
    expect(await why({ sql: { kinds: "delete", where: "unkeyed" } }, { query })).toBe(
      "query is read as 2 statements: select calling f no (kinds: no, where: no); " +
        "delete on x with WHERE keyed no (where: no); select no (kinds: no, where: no)",
    );
  });
});
