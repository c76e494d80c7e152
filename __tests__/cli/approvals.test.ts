import { readFileSync, writeFileSync } from "node:fs";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { PreparedEntry } from "../../src/audit/format/entry.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { readEntries } from "../../src/audit/read.ts";
import type { Verdict } from "../../src/event.ts";
import { generateKeys } from "../../src/note.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import type { ActionRuntimeOptions } from "../../src/runtime/options.ts";
import { Workplace, type Captured, type Surroundings } from "./captured-host.ts";

const POLICY = "require_approval:\n  - pay.send\n";

const CALL = {
  actor: "pay-agent",
  action: "send",
  resource: "pay",
  environment: "production",
  payload: { amount: 2500, to: "ACME" } as Record<string, unknown>,
};

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => place[Symbol.dispose]());

/** Runs calls in a runtime of their own; answers what became of the last. */
async function execute(
  payload: Record<string, unknown> = CALL.payload,
  options: ActionRuntimeOptions = {},
): Promise<Verdict> {
  const runtime = ActionRuntime.fromPolicy(Policy.parse(POLICY), { auditLog: place.path("audit.db"), ...options });
  try {
    return await runtime.execute({ ...CALL, payload });
  } finally {
    await runtime.close();
  }
}

async function ask(payload?: Record<string, unknown>): Promise<string> {
  return (await execute(payload)).approvalId ?? "";
}

async function run(argv: readonly string[], surroundings: Surroundings = {}): Promise<Captured> {
  return await place.run(argv, { now: new Date().toISOString(), ...surroundings });
}

describe("capfence approve", () => {
  it("shows what would run, asks, and lets it run once", async () => {
    const id = await ask();
    const { code, stderr, stdout } = await run(["approve", id, "--by", "alice"], { answer: true });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Approved. It may run once.\n" });
    for (const shown of [id, "pay-agent", "pay.send", "production", '"amount": 2500', '"to": "ACME"']) {
      expect(stderr).toContain(shown);
    }
    expect(await execute()).toMatchObject({ authorized: true, reason: "approval_granted" });
    expect(await execute()).toMatchObject({ authorized: false, reason: "approval_required" });
  });

  it.each<[string, Surroundings, number]>([
    ["when the answer is no", { answer: false }, 1],
    ["when nobody is there to ask", {}, 2],
  ])("records nothing %s", async (_, surroundings, expected) => {
    const id = await ask();
    expect((await run(["approve", id], surroundings)).code).toBe(expected);
    expect((await execute()).authorized).toBe(false);
  });

  it.each([
    ["an id that nobody knows", async (): Promise<string> => `${await ask()}-not`, /there is none of that name/],
    ["its own request", async () => await ask(), /who asks can't approve/, ["--by", "Pay-Agent"]],
    [
      "its own request, spelt alike",
      async () => await ask(),
      /who asks can't approve/,
      ["--by", "р\u0430у-\u0430gent"],
    ],
    [
      "what was rejected",
      async (): Promise<string> => {
        const id = await ask();
        await run(["reject", id, "--yes"]);
        return id;
      },
      /it was rejected, and that stands/,
    ],
  ] as const)("refuses %s", async (_, made, expected, more: readonly string[] = []) => {
    const { code, stderr } = await run(["approve", await made(), "--yes", ...more]);
    expect(code).toBe(1);
    expect(stderr).toMatch(expected);
    expect((await execute()).authorized).toBe(false);
  });

  it("takes an id as it is said, and asks whether one that is nearly right was meant", async () => {
    const id = await ask();
    expect((await run(["approve", `${id.slice(0, -1)}x`, "--yes"])).stderr).toBe(
      `capfence: nothing of that name waits. Did you mean ${id}?\n`,
    );
    expect((await execute()).authorized).toBe(false);
    expect((await run(["approve", id.toUpperCase().replace("-", " "), "--yes"])).code).toBe(0);
    expect((await execute()).authorized).toBe(true);
  });

  it.each([
    ["--by", "  "],
    ["--by", "x".repeat(257)],
    ["--note", " "],
    ["--note", "x".repeat(1_025)],
  ])("is used wrongly with %s %j", async (option, value) => {
    const { code, stderr } = await run(["approve", await ask(), "--yes", option, value]);
    expect(code).toBe(2);
    expect(stderr).toContain(option);
    expect((await execute()).authorized).toBe(false);
  });

  it("says whose rejection may still stand, where it can't know whose counts", async () => {
    const [alice, bob] = [generateKeys("alice"), generateKeys("bob")];
    writeFileSync(place.path("alice.key"), alice.signer);
    writeFileSync(place.path("bob.key"), bob.signer);
    const signed = { approverKeys: [alice.verifier, bob.verifier] };
    const id = (await execute(CALL.payload, signed)).approvalId ?? "";
    await run(["reject", id, "--yes", "--key", "bob.key", "--by", "bob"]);
    const { stderr } = await run(["approve", id, "--yes", "--key", "alice.key"]);
    expect(stderr).toContain("It was rejected too, by bob: where that counts, it does not run.\n");
    expect(await execute(CALL.payload, signed)).toMatchObject({ reason: "approval_rejected" });
  });

  it("makes no log where there is none", async () => {
    expect((await run(["approve", "some-id", "--yes"])).code).toBe(1);
    expect((await run(["grant", "--agent", "a", "--capability", "pay", "--expires", "1h"])).code).toBe(1);
    expect((await run(["approvals"])).stderr).toContain("there is no such file");
  });

  it("signs with the key that is given, which is what counts with approverKeys", async () => {
    const keys = generateKeys("alice");
    writeFileSync(place.path("alice.key"), keys.signer);
    const signed = { approverKeys: [keys.verifier] };
    const id = (await execute(CALL.payload, signed)).approvalId ?? "";
    await run(["approve", id, "--yes"]);
    expect((await execute(CALL.payload, signed)).authorized).toBe(false);
    const { stdout } = await run(["approvals", "--vkey", keys.verifier]);
    expect(stdout).toContain("(1 unsigned answer ignored)");
    expect((await run(["approvals", "--all", "--vkey", keys.verifier])).stdout).toContain("ignored: not signed");
    expect((await run(["approve", id, "--yes", "--key", "alice.key"])).code).toBe(0);
    expect((await execute(CALL.payload, signed)).authorized).toBe(true);
  });
});

describe("capfence reject", () => {
  it("tells the agent what the reviewer said", async () => {
    const id = await ask();
    await run(["reject", id, "--note", "Ask for an invoice.", "--yes"]);
    expect(await execute()).toMatchObject({ reason: "approval_rejected", message: "Ask for an invoice." });
  });
});

describe("capfence approvals", () => {
  it("shows what waits, for people and for programs", async () => {
    const id = await ask();
    const { stdout } = await run(["approvals"]);
    const [header = "", row = ""] = stdout.split("\n");
    expect(header).toMatch(/^id +age +expires in +agent +capability +would run$/);
    expect(row).toMatch(new RegExp(`^${id} +\\d+s +59m +pay-agent +pay\\.send +{"amount":2500,"to":"ACME"}$`));
    const printed: unknown = JSON.parse((await run(["approvals", "--json"])).stdout);
    expect(printed).toMatchObject({ id, actor: "pay-agent", payload: CALL.payload, unsignedAnswers: 0 });
  });

  it("shows all that was asked and answered, and leaves the log as it is", async () => {
    const id = await ask();
    await run(["approve", id, "--yes", "--by", "alice"]);
    await run(["approve", id, "--yes", "--by", "bob"]);
    const before = readFileSync(place.path("audit.db"));
    const { stdout } = await run(["approvals", "--all"]);
    expect(stdout.match(/requested|approved|refused/g)).toEqual([
      "requested",
      "approved",
      "refused",
      "approved",
      "approved",
    ]);
    expect(readFileSync(place.path("audit.db"))).toEqual(before);
    expect((await run(["approvals"])).stdout).not.toContain(id);
  });
});

describe("capfence grant and revoke", () => {
  it("let calls through for a time, and end that", async () => {
    await ask();
    const offer = ["grant", "--agent", "pay-agent", "--capability", "pay.send", "--expires", "2h", "--uses", "2"];
    const { stdout } = await run([...offer, "--environment", "production", "--by", "alice"]);
    expect(await execute()).toMatchObject({ authorized: true, reason: "grant_used", approvalId: stdout.trim() });
    expect((await run(["approvals"])).stdout).toMatch(/\d+[hm] +pay-agent +pay\.send +production +\* +1 +alice/);
    expect((await run(["revoke", stdout.trim()])).code).toBe(0);
    expect((await execute()).authorized).toBe(false);
  });

  it.each([
    ["--expires", ["--expires", "soon"]],
    ["--expires", []],
    ["--capability", ["--expires", "1h", "--capability", "bad cap"]],
    ["--uses", ["--expires", "1h", "--uses", "0"]],
    ["--expires", ["--expires", "31d"]],
    ["--agent", ["--expires", "1h", "--agent", "  "]],
    ["--session", ["--expires", "1h", "--session", " "]],
    ["--note", ["--expires", "1h", "--note", "x".repeat(1_025)]],
  ])("need a sound %s", async (name, more) => {
    await ask();
    const { code, stderr } = await run(["grant", "--agent", "a", "--capability", "pay", ...more]);
    expect(code).toBe(2);
    expect(stderr).toContain(name);
  });
});

describe("a request whose payload in the log is not what it commits to", () => {
  it("is shown as such, can't be approved, and can be rejected", async () => {
    const id = await ask();
    const log = new AuditLog(place.path("audit.db"));
    for await (const { entry } of readEntries(place.path("audit.db"))) {
      if (entry.kind !== "approval" || entry.status !== "requested") continue;
      const { v: _v, log: _log, seq: _seq, prev: _prev, ts: _ts, ...content } = entry;
      await log.append(new PreparedEntry({ ...content, id: "kobu-tasi", payload: { amount: 1, to: "ACME" } }));
    }
    await log.close();
    expect((await run(["approvals"])).stdout).toMatch(/^kobu-tasi .*\(altered in the log\)$/m);
    const { code, stderr } = await run(["approve", "kobu-tasi", "--yes"]);
    expect(code).toBe(3);
    expect(stderr).toContain("is not what would run");
    expect(stderr).not.toContain("ACME");
    expect((await run(["approvals"])).stdout).toContain("kobu-tasi");
    expect((await run(["reject", "kobu-tasi", "--yes"])).code).toBe(0);
    expect((await run(["approve", id, "--yes"])).code).toBe(0);
  });
});

describe("what a model wrote, on a reviewer's screen", () => {
  const hostile = {
    "name\u001b[2J": "1",
    escape: "\u001b]0;title\u0007\r\nApproved.",
    bidi: "\u202Etxt.exe\u2066",
    invisible: "rm\u200B -rf\u00AD /",
    aa: "\\u{202e}",
    alike: "\u0440\u0430ypal \uFF41 \u2215 \u05D0",
    nul: "a\u0000b",
    line: "a\u2028b",
  };

  it.each([["approvals"], ["approvals --all"], ["reject ID"]])("is unmistakable: %s", async (command) => {
    const id = await ask(hostile);
    const { stdout, stderr } = await run(command.replace("ID", id).split(" "), { answer: true });
    const screen = command === "reject ID" ? stderr : stdout;
    // The ellipsis is ours.
    expect(screen.replaceAll("…", "")).toMatch(/^[\n\x20-\x7e]*$/);
    expect(screen).toContain(String.raw`\u{202e}txt.exe\u{2066}`);
    expect(screen).toContain(String.raw`\u{440}\u{430}ypal`);
    expect(screen).toContain(String.raw`\\u{202e}`);
  });

  it("can't fill a line up so that the next one seems to be ours", async () => {
    const id = await ask({ to: `ACME${" ".repeat(60)}agent        alice` });
    const { stderr } = await run(["reject", id], { answer: true });
    expect(stderr).toMatch(/"ACME {8}(?:\\u\{20\}){52}agent {8}/);
  });

  it("is cut where it is long, and says how long it was", async () => {
    const id = await ask({ first: "x".repeat(3_000), last: "seen" });
    const { stderr } = await run(["reject", id], { answer: true });
    expect(stderr).toContain('…" (3000 characters)');
    expect(stderr).toContain('"last": "seen"');
    const many = await ask({ list: Array.from({ length: 1_000 }, (_, index) => index) });
    expect((await run(["reject", many], { answer: true })).stderr).toMatch(/… \(80\d more lines are not shown\)/);
    expect(id).not.toBe(many);
  });

  it("is as good as nothing when it is not recorded, and says so", async () => {
    const { approvalId = "" } = await execute(CALL.payload, { audit: { payload: "none" } });
    expect((await run(["reject", approvalId], { answer: true })).stderr).toContain("What would run can't be shown");
  });
});
