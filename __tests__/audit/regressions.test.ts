import { chmodSync, chownSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { currentOwner, judgeOwner } from "../../src/audit/file/owner.ts";
import { appending } from "../../src/audit/appending/proposal.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { WriterProcess } from "./child.ts";
import { FaultyFiles } from "./faulty-files.ts";
import { decision, expectOneChain, filesBeside, newLogPath, placeLog, sampleFiles } from "./sample-log.ts";
import { altered } from "./tampering.ts";

const { closed } = await sampleFiles();
const surroundings = { files: nodeFiles, now: Date.now };

describe("a writer that looked away", () => {
  it("notices that others have folded, though the database has the number (inode) of the one it knew", async () => {
    // File systems give a number out again as soon as its file is gone; more or less often, with what others do there.
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const path = newLogPath();
      const first = new AuditLog(path);
      await first.append(decision());
      await first.close();
      const waiting = await LogWriter.open(path, surroundings);
      const known = statSync(path).ino;
      let sessions = 0;
      do {
        const other = new AuditLog(path);
        await other.append(decision({ actor: "other" }));
        await other.close();
        sessions += 1;
      } while (statSync(path).ino !== known && sessions < 4);
      const {
        heads: [place],
      } = await waiting.propose(appending(decision({ actor: "waiting" })));
      expect(place?.seq).toBe(sessions + 2);
      expect((await verifyLog(path)).problems).toEqual([]);
      await waiting.close();
      expect(expectOneChain(path)[place?.seq ?? 0]?.hash).toBe(place?.hash);
    }
  });
});

describe("folding", () => {
  it(
    "closes the log when it can't flush the tail: what was written before may be lost",
    { timeout: 60_000 },
    async () => {
      const path = newLogPath();
      // The owner file, the database, the tail; then the tail again, before the new database takes its place.
      const { files, struck } = new FaultyFiles({
        method: "sync",
        call: 4,
        code: "EIO",
        manner: "before",
      });
      const log = new AuditLog(path, { files, now: Date.now });
      await Promise.all(Array.from({ length: 4_100 }, () => log.append(decision())));
      while (struck.length === 0) await nextTurn();
      await nextTurn();
      await expect(log.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
      await expect(log.close()).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    },
  );
});

describe("an owner", () => {
  it.each([
    ["whose boot is not known, beside one whose is", { boot: "" }, {}],
    ["whose boot is known, beside one whose is not", {}, { boot: "" }],
    ["without /proc, beside one with it", { boot: "", started: "", namespace: "" }, {}],
  ])("%s can't be judged to be dead", (_name, left, right) => {
    const owner = { ...currentOwner(), pid: process.ppid, started: "" };
    expect(judgeOwner({ ...owner, ...left }, { ...currentOwner(), ...right })).not.toBe("dead");
  });
});

describe("root", () => {
  it.skipIf(process.geteuid?.() !== 0)("beside the log's own user lets that user append", async () => {
    const path = placeLog(closed);
    chmodSync(join(path, ".."), 0o777);
    chownSync(path, 65_534, 65_534);
    const log = new AuditLog(path);
    await log.append(decision());
    const nobody = { uid: 65_534, gid: 65_534, env: { ...process.env, HOME: "/nonexistent" } };
    const child = new WriterProcess({ path, appends: 3 }, nobody);
    expect(await child.ended(), child.errors).toBe(0);
    await log.close();
  });
});

describe("a failed write", () => {
  it("leaves nothing behind that nobody ever removes", async () => {
    const path = newLogPath();
    // The owner file, the database, the tail in the making.
    const { files } = new FaultyFiles({
      method: "append",
      call: 3,
      code: "ENOSPC",
      manner: "half-way",
    });
    const log = new AuditLog(path, { files, now: Date.now });
    await expect(log.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    await expect(log.close()).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    const another = new AuditLog(path);
    await another.append(decision());
    await another.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });

  it("and a failed close of its file are the same error to callers", async () => {
    const path = newLogPath();
    const { files } = new FaultyFiles(
      { method: "syncLater", call: 2, code: "EIO", manner: "before" },
      { method: "close", call: 4, code: "EIO", manner: "after" },
      { method: "close", call: 3, code: "EIO", manner: "after" },
    );
    const log = new AuditLog(path, { files, now: Date.now });
    await log.append(decision());
    await log.append(decision()).catch(() => {});
    const error: unknown = await log.close().catch((caught: unknown) => caught);
    if (error !== undefined) expect(error).toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    expect(filesBeside(path)).toEqual(["audit.db", "audit.db-tail"]);
  });
});

describe("opening", () => {
  it.skipIf(process.platform !== "linux")("closes what it has opened when it is refused", async () => {
    const other = await sampleFiles();
    const path = placeLog(closed, other.tail);
    const before = openFiles();
    for (let n = 0; n < 10; n += 1) {
      await expect(new AuditLog(path).append(decision())).rejects.toMatchObject({
        code: "ERR_AUDIT_CORRUPT",
      });
    }
    expect(openFiles()).toBe(before);
  });
});

describe("verification", () => {
  it.each(["'other'", "CAST(tbl_name AS BLOB)"])(
    "finds a schema whose objects belong to other tables (%s)",
    async (value) => {
      const bytes = altered(
        closed,
        `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET tbl_name = ${value} WHERE type = 'view'`,
      );
      expect((await verifyLog(placeLog(bytes))).intact).toBe(false);
    },
  );

  it("finds a column's bytes changed to others that decode to the same", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision({ actor: "\uFFFDagent" }));
    await log.close();
    const bytes = altered(
      readFileSync(path),
      "UPDATE entries SET agent_id = CAST(x'F0BFBD' || 'agent' AS TEXT) WHERE seq = 1",
    );
    expect((await verifyLog(placeLog(bytes))).problems[0]?.seq).toBe(1);
  });
});

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}
