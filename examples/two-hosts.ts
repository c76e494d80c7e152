/**
 * Two hosts: two agent processes and one approver share one log and one queue of approvals in a PostgreSQL database. Both
 * agents want to make the same transfer, which needs approval; it is approved once, and made once.
 *
 * Runs on a server of its own, or on that of CAPFENCE_TEST_POSTGRES_URL, whose database `capfence migrate` has seen.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { PostgresServer } from "../__tests__/postgres/server.ts";
import { migrate } from "../src/audit/postgres/schema.ts";
import { postgresTarget } from "../src/audit/postgres/target.ts";
import { ActionEvent, ActionRuntime, Policy, verifyLog } from "../src/index.ts";

const POLICY = Policy.parse(`
policy_name: transfers
require_approval:
  - capability: bank.transfer
allow:
  - capability: bank.balance
`);

const TRANSFER = {
  actor: "treasury-agent",
  action: "transfer",
  resource: "bank",
  payload: { to: "ACME", amount: 9_000 },
};

/** One agent: looks at the balance, then wants to transfer, and waits for a person. Prints whether it may. */
async function agent(auditLog: string): Promise<void> {
  await using runtime = ActionRuntime.fromPolicy(POLICY, { auditLog, onApproval: "wait" });
  await runtime.execute(ActionEvent.create({ actor: "treasury-agent", action: "balance", resource: "bank" }));
  const transfer = ActionEvent.create(TRANSFER);
  const verdict = await runtime.execute(transfer, { timeoutMs: 20_000 });
  if (verdict.authorized) await runtime.recordOutcome(transfer, verdict, { status: "finished", durationMs: 1 });
  console.log(verdict.authorized ? "transferred" : verdict.reason);
}

/** The approver: approves the first request that comes, and rejects what is asked for again. */
async function approve(auditLog: string, isOver: () => boolean): Promise<number> {
  await using runtime = ActionRuntime.fromPolicy(POLICY, { auditLog });
  let approved = 0;
  while (!isOver()) {
    for (const { id } of await runtime.approvals.pending()) {
      if (approved === 0) await runtime.approvals.approve(id, { by: "alice" });
      else await runtime.approvals.reject(id, { by: "alice", note: "That was paid already." });
      approved += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return approved;
}

async function main(): Promise<void> {
  const configured = process.env["CAPFENCE_TEST_POSTGRES_URL"];
  const server = configured === undefined ? await PostgresServer.start({ fsync: true }) : undefined;
  const base = configured ?? server?.url;
  if (base === undefined) return console.log("skipped: there is no PostgreSQL for this platform");
  try {
    const url = new URL(base);
    url.searchParams.set("log", `two-hosts-${process.pid}`);
    const auditLog = url.href;
    await migrate(postgresTarget(auditLog));

    // The password goes by the environment: command lines can be seen by everyone on a host.
    const hosts = ["agent", "agent"].map(() => {
      const env = { ...process.env, CAPFENCE_AUDIT_LOG: auditLog };
      const options = { env, stdio: ["ignore", "pipe", "inherit"] as ["ignore", "pipe", "inherit"] };
      return spawn(process.execPath, ["--import", "tsx", fileURLToPath(import.meta.url), "agent"], options);
    });
    let running = hosts.length;
    const ended = hosts.map(async (host) => {
      const [said] = await Promise.all([text(host.stdout), once(host, "close")]);
      running -= 1;
      return said.trim();
    });
    const answered = await approve(auditLog, () => running === 0);
    const said = (await Promise.all(ended)).toSorted((left, right) => left.localeCompare(right));

    assert.deepEqual(said, ["approval_rejected", "transferred"]);
    assert.equal(answered, 2);
    const report = await verifyLog(auditLog);
    assert.equal(report.intact, true);
    console.log(`${said.join(", ")}; one chain of ${report.entries} entries, intact`);
  } finally {
    await server?.remove();
  }
}

if (process.argv[2] === "agent") await agent(process.env["CAPFENCE_AUDIT_LOG"] ?? "");
else await main();
