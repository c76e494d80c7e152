/** Audit logs for tests of replay, written by a real runtime in a directory of their own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { vi } from "vitest";

import { ActionEvent, type ActionEventFields } from "../../src/event.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { ReplayedCall, ReplayEnd, ReplayOptions } from "../../src/replay/replay.ts";
import { replay } from "../../src/replay/replay.ts";
import type { ActionRuntimeOptions } from "../../src/runtime/options.ts";
import { ActionRuntime, type RefusalReason } from "../../src/runtime/runtime.ts";

/** A call to record: what is not said is `shell.execute` in production. */
export type Recorded = Partial<ActionEventFields> & {
  /** Why the host refused it. */
  readonly refused?: RefusalReason;
  /** Milliseconds that the call took; none when it was not run. */
  readonly ms?: number;
};

/** When the first call is recorded; each further one is a second later. */
const START = Date.parse("2026-01-15T10:00:00Z");

/** A directory of records. `Symbol.dispose` removes it. */
export class Records {
  readonly directory: string = mkdtempSync(join(tmpdir(), "capfence-replay-"));
  #count = 0;

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Records `calls` under `policy` in a new log; answers its path. */
  async write(policy: Policy, calls: readonly Recorded[], options: ActionRuntimeOptions = {}): Promise<string> {
    this.#count += 1;
    const path = this.path(`${this.#count}.db`);
    // Before there is a log, which keeps its clock.
    vi.useFakeTimers({ toFake: ["Date"] });
    const runtime = ActionRuntime.fromPolicy(policy, { ...options, auditLog: path });
    for (const [index, { refused, ms, ...fields }] of calls.entries()) {
      vi.setSystemTime(START + index * 1_000);
      const event = ActionEvent.create({
        actor: "ann",
        action: "execute",
        resource: "shell",
        environment: "production",
        ...fields,
      });
      const verdict = await (refused === undefined ? runtime.execute(event) : runtime.refuse(event, refused));
      if (ms !== undefined) await runtime.recordOutcome(event, verdict, { status: "finished", durationMs: ms });
    }
    vi.useRealTimers();
    await runtime.close();
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Everything a replay gives, and how it ends. */
export async function replayAll(
  source: string,
  policy: Policy,
  options: ReplayOptions = {},
): Promise<{ readonly calls: readonly ReplayedCall[]; readonly end: ReplayEnd }> {
  const calls: ReplayedCall[] = [];
  const iterator = replay(source, policy, options);
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) return { calls, end: value };
    calls.push(value);
  }
}

/** What became of each call, in a few words: `entry 1 decision deny→allow`. */
export function changes(calls: readonly ReplayedCall[]): readonly string[] {
  return calls.map(({ name, change, old, new: now }) => {
    return `${name} ${change} ${old?.decision ?? "-"}→${now?.decision ?? "-"}`;
  });
}
