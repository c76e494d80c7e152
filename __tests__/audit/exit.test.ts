import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { decision, filesBeside, newLogPath } from "./sample-log.ts";

const REGISTRY = Symbol.for("capfence.audit.writers.v3");
const place = globalThis as { [REGISTRY]?: unknown };
let own: unknown;

// As in a process that has not used a log yet.
beforeEach(() => {
  own = place[REGISTRY];
  delete place[REGISTRY];
});
afterEach(() => {
  place[REGISTRY] = own;
  vi.restoreAllMocks();
});

/** What is to run when this process ends, put down instead of registered. */
function atExit(): { readonly listeners: Set<() => void>; readonly end: () => void } {
  const listeners = new Set<() => void>();
  vi.spyOn(process, "once").mockImplementation((event, listener) => {
    if (event === "exit") listeners.add(listener as () => void);
    return process;
  });
  vi.spyOn(process, "off").mockImplementation((event, listener) => {
    if (event === "exit") listeners.delete(listener as () => void);
    return process;
  });
  return {
    listeners,
    end: () => {
      for (const listener of listeners) listener();
    },
  };
}

describe("at the end of its process a log", () => {
  it("that is open is folded, and one that is just being opened is left alone", async () => {
    const { listeners, end } = atExit();
    const [path, other] = [newLogPath(), newLogPath()];
    const logs = [new AuditLog(path), new AuditLog(other)] as const;
    await logs[0].append(decision());
    const opening = logs[1].append(decision());
    expect(listeners.size).toBe(1);
    end();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 1 });
    await opening;
    await logs[1].close();
    await logs[0].close().catch(() => {});
  });

  it("that is being closed is folded too, and forgotten once it is closed", async () => {
    const { listeners, end } = atExit();
    const path = newLogPath();
    let whileClosing: (() => void) | undefined;
    const files = {
      ...nodeFiles,
      syncLater: async (fd: number) => {
        whileClosing?.();
        await nodeFiles.syncLater(fd);
      },
    };
    const log = new AuditLog(path, { files, now: Date.now });
    await log.append(decision());
    const before = new Set(listeners);
    const during: number[] = [];
    whileClosing = () => {
      during.push(listeners.size - before.size);
    };
    await log.close();
    expect(during).toEqual([1]);
    expect(listeners).toEqual(before);
    const again = new AuditLog(path, { files, now: Date.now });
    await again.append(decision());
    whileClosing = () => {
      whileClosing = undefined;
      end();
      expect(filesBeside(path)).toEqual(["audit.db"]);
    };
    await again.close().catch(() => {});
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 2 });
  });
});
