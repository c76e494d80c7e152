/** A policy, a fresh audit log and a runtime for one test; and what the log says afterwards. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import initSqlJs from "sql.js";
import { onTestFinished } from "vitest";

import { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import type { WrappableTool } from "../../src/langchain/inner-tool.ts";
import type { CapFenceToolOptions } from "../../src/langchain/options.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";

/** Allows everything the tests call `unit.run`, unless the word `forbidden` is in it. */
const POLICY = `deny:
  - capability: unit.run
    contains: forbidden
allow:
  - capability: unit.run
`;

/** What an entry of the log is, as far as these tests look. */
export interface Recorded {
  readonly kind: "genesis" | "decision" | "outcome";
  readonly [name: string]: unknown;
}

export interface Gate {
  readonly directory: string;
  readonly policyPath: string;
  readonly auditLog: string;
  readonly runtime: ActionRuntime;
  /** Wraps a tool under this gate's runtime, as capability `unit.run`. */
  readonly wrap: (tool: WrappableTool, options?: Partial<CapFenceToolOptions>) => CapFenceTool;
  /** Closes the log and reads its decisions and outcomes. */
  readonly recorded: () => Promise<Recorded[]>;
  /** The payloads of all decisions, in order. Closes the log. */
  readonly judged: () => Promise<unknown[]>;
}

/** Opens a gate that is gone when the test is. */
export function openGate(policy: string = POLICY): Gate {
  const directory = mkdtempSync(join(tmpdir(), "capfence-test-"));
  const policyPath = join(directory, "policy.yaml");
  const auditLog = join(directory, "log", "audit.db");
  mkdirSync(join(directory, "log"));
  writeFileSync(policyPath, policy);
  const runtime = ActionRuntime.fromPolicy(policyPath, { auditLog });
  onTestFinished(async () => {
    await runtime.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const recorded = async (): Promise<Recorded[]> => {
    await runtime.close();
    return readLog(auditLog);
  };
  return {
    directory,
    policyPath,
    auditLog,
    runtime,
    wrap: (tool, options = {}) =>
      new CapFenceTool({ tool, agentId: "tester", capability: "unit.run", runtime, ...options }),
    recorded,
    judged: async () => {
      const entries = await recorded();
      return entries.filter((entry) => entry.kind === "decision").map((entry) => entry["payload"]);
    },
  };
}

/** The decisions and outcomes in a closed log; none when it was never opened. */
export async function readLog(path: string): Promise<Recorded[]> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return [];
  }
  const engine = await initSqlJs();
  const database = new engine.Database(bytes);
  try {
    const rows = database.exec("SELECT CAST(body AS BLOB) FROM entries ORDER BY seq")[0]?.values ?? [];
    return rows.map(([body]) => parse(body)).filter((entry) => entry.kind !== "genesis");
  } finally {
    database.close();
  }
}

function parse(body: unknown): Recorded {
  if (!(body instanceof Uint8Array)) throw new TypeError("a body that is no bytes");
  const entry: Recorded = JSON.parse(Buffer.from(body).toString("utf8"));
  return entry;
}
