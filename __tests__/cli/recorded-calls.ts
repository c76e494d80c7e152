/** Audit logs for tests, written by a real runtime at times the test chooses. */

import { vi } from "vitest";

import type { OutcomeStatus } from "../../src/audit/format/entry.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { appending } from "../../src/audit/appending/proposal.ts";
import { decisionEntry, recordedEvent } from "../../src/audit/recording/record.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { ActionEvent } from "../../src/event.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { Policy } from "../../src/policy/policy.ts";

/** A call to record. */
export interface Call {
  readonly command: string;
  /** Default: `demo-agent`. */
  readonly actor?: string;
  /** Default: `execute`, which the policy allows unless the command says `rm -rf`; `deploy` needs approval. */
  readonly action?: string;
  /** RFC 3339. Default: 2026-01-15T10:23:01Z and each further call a second later. */
  readonly at?: string;
  /** Also records how the tool ended. */
  readonly ended?: OutcomeStatus;
}

const POLICY = `
deny:
  - capability: shell.execute
    contains: "rm -rf"
require_approval:
  - capability: shell.deploy
allow:
  - capability: shell.execute
`;

const START = Date.parse("2026-01-15T10:23:01Z");

/** Records `calls` in the log at `path` and closes it. */
export async function record(path: string, calls: readonly Call[]): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const runtime = ActionRuntime.fromPolicy(Policy.parse(POLICY), { auditLog: path });
    for (const [index, { command, actor = "demo-agent", action = "execute", at, ended }] of calls.entries()) {
      vi.setSystemTime(at ?? START + index * 1000);
      const event = ActionEvent.create({
        actor,
        action,
        resource: "shell",
        environment: "production",
        payload: { command },
      });
      const verdict = await runtime.execute(event);
      if (ended !== undefined) await runtime.recordOutcome(event, verdict, { status: ended, durationMs: 1 });
    }
    await runtime.close();
  } finally {
    vi.useRealTimers();
  }
}

/** Appends a decision for each of `actors` to the log at `path`, and seals what is there when that is four entries or more. */
export async function appendSealing(path: string, actors: readonly string[]): Promise<void> {
  const writer = await LogWriter.open(path, { files: nodeFiles, now: Date.now, segmentEntries: 4 });
  for (const actor of actors) {
    const event = ActionEvent.create({ actor, action: "execute", resource: "shell", environment: "test" });
    const decision = { decision: "allow", reason: "policy_allow" } as const;
    await writer.propose(appending(decisionEntry(recordedEvent(event, {}), decision, true, "ab".repeat(32))));
  }
  await writer.close();
}

/** The two calls of the walkthrough. */
export const WALKTHROUGH: readonly Call[] = [{ command: "ls -la /tmp" }, { command: "rm -rf /var/lib/postgresql" }];
