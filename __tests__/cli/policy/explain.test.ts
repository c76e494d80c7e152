import { writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { record } from "../recorded-calls.ts";
import { Workplace } from "../captured-host.ts";
import { inPlace, writeFiles } from "./policy-files.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());
beforeAll(() => {
  writeFiles(place);
  writeFileSync(place.path("none.yaml"), "deny: [shell]\n");
  writeFileSync(place.path("levels.yaml"), "risk_levels: { high: { action: deny } }\nallow: [shell]\n");
  writeFileSync(
    place.path("staging.yaml"),
    "allow:\n  - capability: shell\n    environment: staging\n    user_role: admin\n",
  );
  writeFileSync(place.path("event.json"), '\u{feff}{"capability":"payments.send","payload":{"amount":50}}');
  writeFileSync(place.path("text.json"), "amount 50");
});

const explain = async (argv: readonly string[], input?: string) =>
  await place.run(["policy", "explain", ...argv], input === undefined ? {} : { input });
const SEND = ["--capability", "payments.send"];

describe("exit codes", () => {
  it.each([
    [["pay.yaml", ...SEND], 0, ""],
    [["pay.yaml", "--event", "event.json"], 0, ""],
    [["pay.yaml", ...SEND, "--why-not", "allow"], 0, ""],
    [["pay.yaml"], 2, "name the call by one of the options"],
    [["pay.yaml", ...SEND, "--event", "event.json"], 2, "name the call by one of the options"],
    [["pay.yaml", "--event", "event.json", "--payload", "{}"], 2, "leave the other options out"],
    [["pay.yaml", "--event", "event.json", "--environment", "test"], 2, "leave the other options out"],
    [["pay.yaml", ...SEND, "--payload", "{"], 2, "It must be JSON."],
    [["pay.yaml", ...SEND, "--payload", "[1]"], 2, "It must be a JSON object."],
    [["pay.yaml", ...SEND, "--context", "null"], 2, "It must be a JSON object."],
    [["pay.yaml", ...SEND, "--environment", ""], 2, "It must not be empty."],
    [["pay.yaml", "--capability", ""], 2, "It must not be empty."],
    [["pay.yaml", ...SEND, "--why-not", "deny"], 2, "Allowed choices are allow."],
    [[...SEND], 2, "missing required argument 'file'"],
    [["pay.yaml", "--event", "missing.json"], 1, "missing.json: there is no such file"],
    [["pay.yaml", "--event", "text.json"], 1, "text.json: it is not JSON"],
    [["broken.yaml", ...SEND], 3, "broken.yaml is not a valid policy"],
    [["missing.yaml", ...SEND], 3, "missing.yaml is not a valid policy"],
  ])("%j exits %d", async (argv, code, message) => {
    const result = await explain(argv);
    expect({ code: result.code, silent: result.stdout === "" }).toEqual({ code, silent: code !== 0 });
    expect(result.stderr).toContain(message);
  });

  it("exits 2 for a capability that is too long", async () => {
    const { code, stderr } = await explain(["pay.yaml", "--capability", "x".repeat(2000)]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "capfence: capability is longer than 1024 characters\n" });
  });

  it("shows every problem of a policy that is not valid, on stderr", async () => {
    const { stderr } = await explain(["broken.yaml", ...SEND]);
    expect(inPlace(place, stderr).slice(1, 4)).toEqual([
      expect.stringMatching(/^broken\.yaml:3:5 error: /),
      "3 |     contians: x",
      "  |     ^",
    ]);
    expect(stderr).toContain("broken.yaml:4:8 error: ");
  });
});

describe("events on standard input", () => {
  it.each([
    ['{"capability":"payments.send","payload":{"amount":5}}', "allow (policy_allow), by allow[0] at pay.yaml:10"],
    [
      '{"resource":"payments","action":"send","payload":{"amount":5}}',
      "allow (policy_allow), by allow[0] at pay.yaml:10",
    ],
    ['{"capability":"payments.send","payload":[]}', "deny (payload_invalid)"],
    ['{"capability":"payments.*"}', "deny (policy_default_deny)"],
  ])("%s", async (input, headline) => {
    const { code, stdout, stderr } = await explain(["pay.yaml", "--event", "-"], input);
    expect({ code, stderr, first: inPlace(place, stdout)[0] }).toEqual({ code: 0, stderr: "", first: headline });
  });

  it.each([
    ["", "it is not JSON"],
    ["5", "it is not a JSON object"],
    ['{"payload":{}}', "an event needs a capability, or a resource and an action"],
    ['{"capability":null}', "an event needs a capability"],
    ['{"capability":5}', "capability must be a non-empty string"],
    ['{"resource":"payments"}', "an event needs a capability"],
    ['{"capability":"a.b","enviroment":"test"}', '"enviroment" is no field of an event'],
    ['{"capability":"a.b","__proto__":{}}', '"__proto__" is no field of an event'],
    ['{"capability":"a.b","context":[]}', "context cannot be taken"],
    ['{"kind":"decision","capability":"a.b"}', "what is recorded is no call"],
    [
      '{"kind":"decision","actor":"a","action":"b","resource":"a","capability":"a.b","environment":"e"}',
      "payload was not recorded as it was",
    ],
    [
      '{"kind":"decision","actor":"a","action":"b","resource":"a","capability":"a.b","environment":"e","reason":"bypassed"}',
      "what is recorded was refused before any policy was asked",
    ],
  ])("%s is none", async (input, message) => {
    const { code, stdout, stderr } = await explain(["pay.yaml", "--event", "-"], input);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`capfence: standard input: ${message}`);
  });

  it("may be a line of capfence logs --json", async () => {
    await record(place.path("audit.db"), [{ command: "rm -rf /tmp" }]);
    const { stdout: line } = await place.run(["logs", "--json"]);
    const { code, stdout } = await explain(["none.yaml", "--event", "-"], line);
    expect({ code, first: inPlace(place, stdout)[0] }).toEqual({
      code: 0,
      first: "deny (policy_deny), by deny[0] at none.yaml:1",
    });
  });
});

describe("the table", () => {
  it("has every candidate rule and condition, and marks the winner", async () => {
    const { stdout } = await explain(["pay.yaml", ...SEND, "--payload", '{"amount":500,"country":"YY"}']);
    expect(inPlace(place, stdout)).toEqual([
      "require_approval (approval_required), by require_approval[0] at pay.yaml:7",
      "",
      "   rule                 condition         answer  why",
      "   no-xx                deny              no      pay.yaml:3 does not apply",
      "                        capability        yes     payments.send covers payments.send.production",
      "                        payload           no      country does not match",
      "→  require_approval[0]  require_approval  yes     pay.yaml:7 decides",
      "                        capability        yes     payments.send covers payments.send.production",
      "                        amount_gt         yes     amount is 500",
      "   allow[0]             allow             yes     pay.yaml:10 applies, but does not decide",
      "                        capability        yes     payments.send covers payments.send.production",
      "                        amount_lte        yes     amount is 500",
    ]);
  });

  it("says that an allow needs yes", async () => {
    const { stdout } = await explain(["pay.yaml", ...SEND, "--payload", '{"amount":"1,000"}']);
    expect(stdout).toContain(
      "maybe   pay.yaml:10 does not apply, since an allow needs yes".replace("pay", place.path("pay")),
    );
  });

  it.each([
    [["none.yaml", "--capability", "files.read"], "No rule is about files.read.production."],
    [["none.yaml", "--capability", "a..b"], "The capability is malformed, so no rule is asked."],
    [
      ["levels.yaml", "--capability", "shell.run", "--context", '{"risk_level":"high"}'],
      "The risk level high means deny, where no rule is stricter.",
    ],
    [
      ["levels.yaml", "--capability", "shell.run", "--context", '{"require_approval":true}'],
      "The host's context asks for approval of whatever would be allowed.",
    ],
  ])("%j: %s", async (argv, note) => {
    const { stdout } = await explain(argv);
    expect(inPlace(place, stdout)).toContain(note);
  });

  it("takes context and environment, the latter from CAPFENCE_ENVIRONMENT else", async () => {
    const argv = [
      "policy",
      "explain",
      "staging.yaml",
      "--capability",
      "shell.run",
      "--context",
      '{"user_role":"admin"}',
    ];
    const first = async (more: readonly string[], env: Record<string, string> = {}) =>
      (await place.run([...argv, ...more], { env })).stdout.split(" ")[0];
    expect(await first([])).toBe("deny");
    expect(await first(["--environment", "staging"])).toBe("allow");
    expect(await first([], { CAPFENCE_ENVIRONMENT: "staging" })).toBe("allow");
    expect(await first(["--environment", "test"], { CAPFENCE_ENVIRONMENT: "staging" })).toBe("deny");
  });

  it("escapes what comes from outside", async () => {
    const { stdout } = await explain([
      "staging.yaml",
      "--capability",
      "shell.run",
      "--context",
      '{"user_role":"a\\u001b[2J\\u202eb"}',
    ]);
    expect(stdout).toContain(String.raw`\u{202e}b`);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("has colours on a terminal", async () => {
    const { stdout } = await place.run(["policy", "explain", "none.yaml", "--capability", "shell.run"], {
      isTTY: true,
    });
    expect(stdout.startsWith("\u{1b}[31mdeny\u{1b}[39m (policy_deny)")).toBe(true);
    expect(stdout).toContain("\u{1b}[32myes\u{1b}[39m");
  });
});

describe("--why-not allow", () => {
  it("shows what stops the call, and what the nearest allow rules miss", async () => {
    const { stdout } = await explain(["pay.yaml", ...SEND, "--payload", '{"amount":5000}', "--why-not", "allow"]);
    expect(inPlace(place, stdout)).toEqual([
      "require_approval (approval_required), by require_approval[0] at pay.yaml:7",
      "",
      "These rules stop it, each of them alone:",
      "   rule                 condition         answer  why",
      "→  require_approval[0]  require_approval  yes     pay.yaml:7 decides",
      "                        capability        yes     payments.send covers payments.send.production",
      "                        amount_gt         yes     amount is 5000",
      "",
      "The nearest allow rules; all that is not yes is missing:",
      "  rule      condition   answer  why",
      "  allow[0]  allow       no      pay.yaml:10 does not apply",
      "            capability  yes     payments.send covers payments.send.production",
      "            amount_lte  no      amount is 5000",
    ]);
  });

  it.each([
    [["looser.yaml", ...SEND], "Nothing stands in its way."],
    [["none.yaml", "--capability", "files.read"], "The policy has no allow rules."],
    [["pay.yaml", "--capability", "a..b"], "Nothing can allow it: the capability is malformed, so no rule is asked."],
    [
      ["levels.yaml", "--capability", "shell.run", "--context", '{"risk_level":"high"}'],
      "Its risk level high means deny.",
    ],
  ])("%j: %s", async (argv, note) => {
    const { stdout } = await explain([...argv, "--why-not", "allow"]);
    expect(inPlace(place, stdout)).toContain(note);
  });
});

it("has one object for programs", async () => {
  const argv = ["pay.yaml", ...SEND, "--payload", '{"amount":5000}', "--json"];
  const { stdout } = await explain(argv);
  const explained = JSON.parse(stdout) as Record<string, unknown>;
  expect(explained).toMatchObject({
    file: "pay.yaml",
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    decision: { decision: "require_approval" },
    request: "payments.send.production",
    rules: [
      { winner: false, answer: "no" },
      { winner: true, conditions: [{ key: "amount_gt", answer: "yes" }] },
      { fires: false },
    ],
  });
  expect(explained).not.toHaveProperty("obstacles");
  const { stdout: obstacles } = await explain([...argv, "--why-not", "allow"]);
  expect(JSON.parse(obstacles)).toMatchObject({
    obstacles: { allowed: false, blockers: [{ winner: true }], nearest: [{ answer: "no" }] },
  });
});
