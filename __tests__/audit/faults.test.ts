import { describe, expect, it } from "vitest";

import { AuditLog } from "../../src/audit/log.ts";
import { expectToSurvive, faultsOf, SCRIPTS } from "./fault-scripts.ts";
import { FaultyFiles } from "./faulty-files.ts";
import { decision, expectOneChain, filesBeside, newLogPath } from "./sample-log.ts";

describe("a file-system call that fails", () => {
  it.each(SCRIPTS)(
    "in the life of $name, whichever it is, loses nothing that was acknowledged",
    { timeout: 120_000 },
    async (script) => {
      const faults = await faultsOf(script, ["EIO", "ENOSPC"]);
      // Some of them here, at least one of each method; all of them in the slow suite.
      const isFirst = (index: number): boolean => faults[index]?.method !== faults[index - 1]?.method;
      const some = faults.filter((_, index) => index % 97 === 0 || isFirst(index));
      for (const fault of some) await expectToSurvive(script, fault);
    },
  );
});

describe("a full disk", () => {
  const halfWritten = { method: "append", call: 5, code: "ENOSPC", manner: "half-way" } as const;

  it("takes back the half of an entry that was written, and closes the log until it is opened again", async () => {
    const path = newLogPath();
    const { files, struck } = new FaultyFiles(halfWritten);
    const log = new AuditLog(path, { files, now: Date.now });
    await log.append(decision());
    await log.append(decision());
    const failure = await log.append(decision()).catch((error: unknown) => error);
    expect(struck).toHaveLength(1);
    expect(failure).toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE", path });
    expect(String(failure)).toContain("the disk is full. Make room, then start again");
    await expect(log.append(decision())).rejects.toBe(failure);
    const another = new AuditLog(path);
    expect(await another.append(decision())).toMatchObject({ seq: 3 });
    await expect(log.append(decision())).rejects.toBe(failure);
    await another.close();
    await expect(log.close()).rejects.toBe(failure);
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(expectOneChain(path)).toHaveLength(4);
  });

  it("that does not even let the half be taken back leaves an unfinished write, which is put aside", async () => {
    const path = newLogPath();
    const { files, struck } = new FaultyFiles(halfWritten, {
      method: "truncate",
      call: 1,
      code: "EIO",
      manner: "before",
    });
    const log = new AuditLog(path, { files, now: Date.now });
    await log.append(decision());
    await log.append(decision());
    await expect(log.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    expect(struck).toHaveLength(2);
    await expect(log.close()).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    const another = new AuditLog(path);
    expect(await another.append(decision())).toMatchObject({ seq: 3 });
    await another.close();
    expect(filesBeside(path)).toEqual(["audit.db", expect.stringMatching(/^audit\.db-torn\./)]);
    expect(expectOneChain(path)).toHaveLength(4);
  });

  it("refuses all that waits in line", async () => {
    const path = newLogPath();
    const { files } = new FaultyFiles({ method: "syncLater", call: 2, code: "EIO", manner: "before" });
    const log = new AuditLog(path, { files, now: Date.now });
    await log.append(decision());
    const results = await Promise.allSettled(Array.from({ length: 600 }, () => log.append(decision())));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    await expect(log.close()).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
  });
});
