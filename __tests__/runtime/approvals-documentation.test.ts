/** What docs/approvals.md shows, done as it is written there. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, it } from "vitest";

import { generateKeys } from "../../src/note.ts";
import { ActionEvent, ActionRuntime, ApprovalError } from "../../src/index.ts";

const PAGE = readFileSync(new URL("../../docs/approvals.md", import.meta.url), "utf8");

function blocks(kind: string): readonly string[] {
  return [...PAGE.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, name, code = ""]) => (name === kind ? [code] : []));
}

const directory = mkdtempSync(join(tmpdir(), "capfence-documentation-"));
afterAll(() => rmSync(directory, { recursive: true }));

const [POLICY = ""] = blocks("yaml");
const [ASKING = "", ANSWERING = "", KEYS = ""] = blocks("ts");
const path = join(directory, "policy.yaml");
writeFileSync(path, POLICY);

/** Runs code of the page with these names in it; answers what `last` comes to. */
async function run(code: string, names: Readonly<Record<string, unknown>>, last = ""): Promise<unknown> {
  const AsyncFunction = (async () => {}).constructor as new (
    ...text: string[]
  ) => (...given: unknown[]) => Promise<unknown>;
  return await new AsyncFunction(...Object.keys(names), `${code}\n${last}`)(...Object.values(names));
}

const event = ActionEvent.create({
  actor: "treasury-agent",
  action: "transfer",
  resource: "bank",
  environment: "production",
  payload: { to: "ACME", amount: 2500 },
});

it("asks, and is answered by an application, as it shows", async () => {
  const runtime = ActionRuntime.fromPolicy(path, { auditLog: join(directory, "audit.db") });
  const verdict = await run(ASKING, { runtime, event }, "return verdict;");
  expect(verdict).toMatchObject({ authorized: false, reason: "approval_required" });
  expect((verdict as { approvalId: string }).approvalId).toMatch(/^[a-z]{4}-[a-z]{4}$/);
  await run(ANSWERING, { runtime, notify: () => {} });
  expect(await runtime.execute(event)).toMatchObject({ authorized: true, reason: "approval_granted" });
  expect(await runtime.execute(event)).toMatchObject({ authorized: false, reason: "approval_required" });
  expect(await runtime.approvals.grants()).toMatchObject([{ agent: "ops", capability: "mail.send", left: 5 }]);
  await runtime.close();
});

it("takes the keys as it shows", async () => {
  const { verifier } = generateKeys("alice");
  const code = KEYS.replace(/"alice\+[^"]+"/, JSON.stringify(verifier)).replace(
    "ActionRuntime",
    "return ActionRuntime",
  );
  expect(await run(code, { ActionRuntime, path })).toBeInstanceOf(ActionRuntime);
});

it("names each reason for which an answer is refused", () => {
  const reasons = [
    "unknown",
    "expired",
    "consumed",
    "rejected",
    "already_approved",
    "own_request",
    "unsigned",
  ] as const;
  for (const reason of [...reasons, "wrong_request", "revoked", "too_many", "too_many_answers"] as const) {
    expect(new ApprovalError(reason).message).not.toContain("undefined");
    expect(PAGE).toContain(`\`${reason}\``);
  }
});
