import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { tool } from "@langchain/core/tools";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { AuditUnavailableError } from "../../src/errors.ts";
import { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import { watchGenerator, type GeneratorLike } from "../../src/langchain/generator.ts";
import { openGate, readLog, type Gate, type Recorded } from "./gate.ts";

const schema = z.object({ path: z.string() });

const reader = (calls: unknown[]) =>
  tool(
    (args) => {
      calls.push(args);
      return `read ${args.path}`;
    },
    { name: "read", schema },
  );

async function outcomes(gate: Gate): Promise<Recorded[]> {
  return (await gate.recorded()).filter(({ kind }) => kind === "outcome");
}

describe("the outcome of a call", () => {
  it("names its decision, how it ended and how long it took", async () => {
    const gate = openGate();
    await gate.wrap(reader([])).invoke({ path: "a" });
    const [decision, outcome] = await gate.recorded();
    expect(decision).toMatchObject({ kind: "decision", actor: "tester", capability: "unit.run", decision: "allow" });
    expect(outcome).toMatchObject({
      kind: "outcome",
      of: decision?.["seq"],
      event: decision?.["event"],
      status: "finished",
      ms: expect.any(Number),
      output: { sha256: expect.any(String) },
    });
  });

  it("is recorded before the result is handed on", async () => {
    const gate = openGate();
    const order: string[] = [];
    const record = gate.runtime.recordOutcome.bind(gate.runtime);
    vi.spyOn(gate.runtime, "recordOutcome").mockImplementation(async (...args) => {
      await record(...args);
      order.push("recorded");
    });
    await gate.wrap(reader([])).invoke({ path: "a" });
    order.push("returned");
    expect(order).toEqual(["recorded", "returned"]);
  });

  it("is failed when the tool throws, and the error is the tool's own", async () => {
    const gate = openGate();
    const own = Object.freeze(new RangeError("disk on fire"));
    for (const func of [
      () => {
        throw own;
      },
      async () => Promise.reject(own),
    ]) {
      const gated = gate.wrap(tool(func, { name: "read", schema }), { onBlocked: "message" });
      await expect(gated.invoke({ path: "a" })).rejects.toBe(own);
    }
    expect(await outcomes(gate)).toMatchObject([{ status: "failed" }, { status: "failed" }]);
  });

  it("is failed when the tool throws something that is no error", async () => {
    const gate = openGate();
    const thrower = tool(async () => Promise.reject(undefined), { name: "read", schema });
    await expect(gate.wrap(thrower, { onBlocked: "message" }).invoke({ path: "a" })).rejects.toBeUndefined();
    expect(await outcomes(gate)).toMatchObject([{ status: "failed" }]);
  });

  it("is not swallowed when another wrapped tool is refused inside this one", async () => {
    const gate = openGate();
    const inside = gate.wrap(reader([]));
    const outside = gate.wrap(
      tool(async () => inside.invoke({ path: "forbidden" }), { name: "outer", schema }),
      { onBlocked: "message" },
    );
    await expect(outside.invoke({ path: "a" })).rejects.toThrow("Blocked: policy_deny");
    expect((await gate.recorded()).map(({ kind, decision, status }) => [kind, decision ?? status])).toEqual([
      ["decision", "allow"],
      ["decision", "deny"],
      ["outcome", "failed"],
    ]);
  });
});

describe("an aborted call", () => {
  it("is neither judged nor run when it was aborted before", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const reason = new Error("changed my mind");
    const gated = gate.wrap(reader(calls));
    await expect(gated.invoke({ path: "a" }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(gated.invoke({ path: "a" }, { signal: AbortSignal.abort("text") })).rejects.toThrow(/^text$/);
    await expect(gated.invoke({ path: "a" }, { signal: AbortSignal.abort(7) })).rejects.toThrow(/^Aborted$/);
    expect(calls).toEqual([]);
    expect(await gate.recorded()).toEqual([]);
  });

  it("is recorded as aborted, and not run, when it was aborted while being judged", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const reason = new Error("changed my mind");
    const controller = new AbortController();
    const judge = gate.runtime.execute.bind(gate.runtime);
    vi.spyOn(gate.runtime, "execute").mockImplementation(async (event) => {
      const verdict = await judge(event);
      controller.abort(reason);
      return verdict;
    });
    const gated = gate.wrap(reader(calls), { onBlocked: "message" });
    await expect(gated.invoke({ path: "a" }, { signal: controller.signal })).rejects.toBe(reason);
    expect(calls).toEqual([]);
    expect(await gate.recorded()).toMatchObject([
      { kind: "decision", decision: "allow" },
      { kind: "outcome", status: "aborted", ms: 0 },
    ]);
  });

  it("ends as the bare tool ends when it is aborted while running", async () => {
    const gate = openGate();
    const reason = new Error("changed my mind");
    const controller = new AbortController();
    const slow = tool(
      async (_args, config) => {
        controller.abort(reason);
        return new Promise((_resolve, reject) => {
          config.signal?.addEventListener("abort", () => reject(new Error("too late")));
        });
      },
      { name: "slow", schema },
    );
    await expect(gate.wrap(slow).invoke({ path: "a" }, { signal: controller.signal })).rejects.toBe(reason);
    expect(await outcomes(gate)).toMatchObject([{ status: "failed" }]);
  });
});

const streaming = (body: () => AsyncGenerator) => tool(() => body(), { name: "stream", schema });

async function* counting(): AsyncGenerator<number> {
  yield 1;
}

describe("a generator tool", () => {
  it("is recorded when it has ended, with its final value", async () => {
    const gate = openGate();
    const order: string[] = [];
    const record = gate.runtime.recordOutcome.bind(gate.runtime);
    vi.spyOn(gate.runtime, "recordOutcome").mockImplementation(async (event, verdict, outcome) => {
      order.push(`recorded ${String(outcome.output)}`);
      await record(event, verdict, outcome);
    });
    const gated = gate.wrap(
      streaming(async function* () {
        order.push("started");
        yield 1;
        order.push("went on");
        return "end";
      }),
    );
    const seen: unknown[] = [];
    const handler = { name: "h", awaitHandlers: true, handleToolEvent: (chunk: unknown) => void seen.push(chunk) };
    expect(await gated.invoke({ path: "a" }, { callbacks: [handler] })).toBe("end");
    expect(seen).toEqual([1]);
    expect(order).toEqual(["started", "went on", "recorded end"]);
  });

  it("is failed when it throws half-way", async () => {
    const gate = openGate();
    const own = new RangeError("half-way");
    const gated = gate.wrap(
      streaming(async function* () {
        yield 1;
        throw own;
      }),
    );
    await expect(gated.invoke({ path: "a" })).rejects.toBe(own);
    expect(await outcomes(gate)).toMatchObject([{ status: "failed" }]);
  });

  it("is failed, and cleaned up, when its consumer gives up", async () => {
    const gate = openGate();
    let cleaned = false;
    const gated = gate.wrap(
      streaming(async function* () {
        try {
          yield 1;
          yield 2;
        } finally {
          cleaned = true;
        }
      }),
    );
    const handler = {
      name: "h",
      awaitHandlers: true,
      raiseError: true,
      handleToolEvent: () => {
        throw new Error("enough");
      },
      handleToolError: () => {
        throw new Error("enough");
      },
    };
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    await expect(gated.invoke({ path: "a" }, { callbacks: [handler] })).rejects.toThrow("enough");
    quiet.mockRestore();
    expect(cleaned).toBe(true);
    expect(await outcomes(gate)).toMatchObject([{ status: "failed" }]);
  });

  it.each<readonly [string, () => GeneratorLike, string]>([
    [
      "asynchronous",
      async function* () {
        yield 1;
        return 2;
      },
      "finished 2",
    ],
    [
      "synchronous",
      function* () {
        yield 1;
        return 2;
      },
      "finished 2",
    ],
    ["a bare next", () => ({ next: () => ({ done: true, value: 2 }) }), "finished 2"],
  ])("passes steps through: %s", async (_name, make, expected) => {
    const ends: string[] = [];
    const watched = watchGenerator(make(), async (status, output) => void ends.push(`${status} ${String(output)}`));
    const steps: unknown[] = [];
    let step = await watched.next();
    while (step.done !== true) {
      steps.push(step.value);
      step = await watched.next();
    }
    await watched.return?.(9);
    expect(step).toEqual({ done: true, value: 2 });
    expect(ends).toEqual([expected]);
  });

  it("tells of an end that comes before the first step, or by an error thrown in", async () => {
    const ends: string[] = [];
    const note = async (status: string): Promise<void> => void ends.push(status);
    const returned = watchGenerator(counting(), note);
    expect(await returned.return?.(5)).toEqual({ done: true, value: 5 });
    const thrown = watchGenerator(counting(), note);
    await thrown.next();
    await expect(thrown.throw?.(new Error("in"))).rejects.toThrow("in");
    const bare = watchGenerator({ next: () => ({ done: false, value: 1 }) }, note);
    await expect(bare.throw?.(new Error("in"))).rejects.toThrow("in");
    expect(await bare.return?.(6)).toEqual({ done: true, value: 6 });
    expect(ends).toEqual(["failed", "failed", "failed"]);
  });
});

describe("the audit log of wrapped tools", () => {
  it("stops every call when it cannot be written", async () => {
    const gate = openGate();
    const file = join(gate.directory, "a-file");
    const folder = join(gate.directory, "a-folder");
    writeFileSync(file, "");
    mkdirSync(folder);
    for (const auditLog of [join(file, "audit.db"), folder]) {
      for (const onBlocked of ["throw", "message"] as const) {
        const calls: unknown[] = [];
        const { policyPath } = gate;
        await using gated = new CapFenceTool({
          tool: reader(calls),
          agentId: "tester",
          capability: "unit.run",
          policyPath,
          auditLog,
          onBlocked,
        });
        for (const path of ["a", "forbidden"]) {
          await expect(gated.invoke({ path })).rejects.toBeInstanceOf(AuditUnavailableError);
          await expect(gated.batch([{ path }])).rejects.toBeInstanceOf(AuditUnavailableError);
        }
        expect(calls).toEqual([]);
      }
    }
  });

  it("is one chain for all tools that name it", async () => {
    const gate = openGate();
    const { policyPath, auditLog } = gate;
    const calls: unknown[] = [];
    const make = (agentId: string): CapFenceTool =>
      new CapFenceTool({ tool: reader(calls), agentId, capability: "unit.run", policyPath, auditLog });
    const tools = [make("one"), make("two"), make("three")];
    await Promise.all(tools.flatMap((gated) => ["a", "b", "c"].map((path) => gated.invoke({ path }))));
    for (const gated of tools) await gated.close();
    const recorded = await readLog(auditLog);
    expect(recorded).toHaveLength(18);
    expect(recorded.map(({ seq }) => seq)).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
    expect(new Set(recorded.map(({ log }) => log)).size).toBe(1);
    expect(new Set(recorded.map(({ actor }) => actor))).toEqual(new Set(["one", "two", "three"]));
  });

  it("is closed by close() when it is the tool's own, and then nothing runs", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const { policyPath, auditLog } = gate;
    const gated = new CapFenceTool({
      tool: reader(calls),
      agentId: "tester",
      capability: "unit.run",
      policyPath,
      auditLog,
    });
    await gated.invoke({ path: "a" });
    await gated.close();
    expect(await readLog(auditLog)).toHaveLength(2);
    await expect(gated.invoke({ path: "b" })).rejects.toBeInstanceOf(AuditUnavailableError);
    expect(calls).toEqual([{ path: "a" }]);
  });

  it("stays open when the runtime was given", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(reader(calls));
    await gated.close();
    await gated[Symbol.asyncDispose]();
    await gated.invoke({ path: "a" });
    expect(calls).toHaveLength(1);
  });

  it("gives the result of a tool that ran even when its outcome cannot be recorded", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const warning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const gated = gate.wrap(
      tool(
        async (args) => {
          calls.push(args);
          await gate.runtime.close();
          return "paid";
        },
        { name: "pay", schema },
      ),
    );
    expect(await gated.invoke({ path: "a" })).toBe("paid");
    expect(warning).toHaveBeenCalledOnce();
    warning.mockRestore();
    await expect(gated.invoke({ path: "a" })).rejects.toBeInstanceOf(AuditUnavailableError);
    expect(calls).toHaveLength(1);
  });
});
