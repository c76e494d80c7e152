/** Replaying a large log under a policy of 100 rules, beside verifying the same log, each in a process of its own. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ActionEvent, ActionRuntime } from "../src/index.ts";

/** Entries of the log. */
const ENTRIES = Number(process.env["BENCH_ENTRIES"] ?? 1_000_000);

/** What is done by turns, so that a machine that gets slower meanwhile slows both. */
const ROUNDS = 3;

const RULES = 100;

/** Ten tools, and ten rules about each. */
const TOOLS = 10;

interface Measured {
  readonly ms: number;
  readonly calls: number;
  /** The most bytes that were resident. */
  readonly memory: number;
}

export async function benchReplay(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    const log = join(directory, "audit.db");
    const policy = join(directory, "policy.yaml");
    writeFileSync(policy, policyText());
    await write(log, policy);
    const measured: { readonly verify: Measured[]; readonly replay: Measured[] } = { verify: [], replay: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      measured.verify.push(run("verify", log, policy));
      measured.replay.push(run("replay", log, policy));
    }
    const [verify, replay] = [measured.verify, measured.replay].map(summary);
    if (verify === undefined || replay === undefined) return;
    console.log(
      `\nReplaying ${ENTRIES} entries under ${RULES} rules: ${seconds(replay)}, ${megabytes(replay)} at most; ` +
        `verifying them: ${seconds(verify)}, ${megabytes(verify)} at most; ratio ${(replay.ms / verify.ms).toFixed(2)}`,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A rule in ten denies a text, one asks for approval, and the others allow, each with a condition. */
function policyText(): string {
  const lines = { deny: [] as string[], require_approval: [] as string[], allow: [] as string[] };
  for (let index = 0; index < RULES; index += 1) {
    const capability = `tool-${index % TOOLS}.run`;
    const kind = Math.floor(index / TOOLS);
    if (kind < 4) lines.deny.push(`  - { capability: ${capability}, contains: "forbidden ${index}" }`);
    else if (kind < 6) lines.require_approval.push(`  - { capability: ${capability}, amount_gt: ${1_000 + index} }`);
    else if (kind < 9) lines.allow.push(`  - { capability: ${capability}, tenant: tenant-${index} }`);
    else lines.allow.push(`  - { capability: ${capability}, match_regex: "^[a-z]+ -" }`);
  }
  return Object.entries(lines)
    .map(([section, rules]) => `${section}:\n${rules.join("\n")}\n`)
    .join("");
}

async function write(auditLog: string, policy: string): Promise<void> {
  const runtime = ActionRuntime.fromPolicy(policy, { auditLog });
  let written = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (; written < ENTRIES; written += 1) await runtime.execute(call(written));
    }),
  );
  await runtime.close();
}

function call(index: number): ActionEvent {
  const command = index % 7 === 0 ? `rm forbidden ${index % RULES}` : `ls -la /tmp/${index}`;
  return ActionEvent.create({
    actor: `agent-${index % 5}`,
    action: "run",
    resource: `tool-${index % TOOLS}`,
    sessionId: `session-${index % 100}`,
    context: { tenant: `tenant-${index % RULES}` },
    payload: { command, reason: "a sentence of the length that models like to write here", amount: index % 900 },
  });
}

function run(what: "verify" | "replay", log: string, policy: string): Measured {
  const script = join(import.meta.dirname, "replayer.mjs");
  return JSON.parse(execFileSync(process.execPath, [script, what, log, policy], { encoding: "utf8" })) as Measured;
}

/** The median of the times, and the most memory. */
function summary(all: readonly Measured[]): Pick<Measured, "ms" | "memory"> {
  const times = all.map(({ ms }) => ms).toSorted((left, right) => left - right);
  return { ms: times[Math.floor(times.length / 2)] ?? NaN, memory: Math.max(...all.map(({ memory }) => memory)) };
}

function seconds({ ms }: Pick<Measured, "ms">): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function megabytes({ memory }: Pick<Measured, "memory">): string {
  return `${(memory / 1_000_000).toFixed(0)} MB`;
}
