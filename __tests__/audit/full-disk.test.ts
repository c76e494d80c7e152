import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { decision, expectOneChain } from "./sample-log.ts";
import { appendUntilRefused, canMount, fill, KIB, smallDisk } from "./small-disk.ts";

describe.runIf(canMount)("a disk that is full (needs root, to mount a small one)", () => {
  it("refuses what it has no room for, loses nothing, and goes on when there is room", async ({ skip }) => {
    const disk = smallDisk(512 * KIB, skip);
    const path = join(disk, "audit.db");
    const log = new AuditLog(path);
    await log.append(decision());
    const makeRoom = fill(disk, 40 * KIB);
    const { heads, error } = await appendUntilRefused(log);
    expect(heads.length).toBeGreaterThan(3);
    expect(AuditUnavailableError.isInstance(error)).toBe(true);
    expect(String(error)).toContain("the disk is full. Make room, then start again");
    await expect(log.append(decision())).rejects.toBe(error);
    await expect(log.close()).rejects.toBe(error);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: heads.length + 1 });
    makeRoom();
    const again = new AuditLog(path);
    await again.append(decision());
    await again.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: heads.length + 2 });
    expect(expectOneChain(path)).toEqual(expect.arrayContaining(heads.map((head) => expect.objectContaining(head))));
  });

  it("with no room for a second database keeps everything in the tail", async ({ skip }) => {
    const disk = smallDisk(512 * KIB, skip);
    const path = join(disk, "audit.db");
    const log = new AuditLog(path);
    for (let n = 0; n < 20; n += 1) await log.append(decision());
    const makeRoom = fill(disk, 8 * KIB);
    await expect(log.close()).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 20 });
    makeRoom();
    const again = new AuditLog(path);
    await again.append(decision());
    await again.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 21 });
  });

  it("makes no new log, and leaves nothing of one", async ({ skip }) => {
    const disk = smallDisk(64 * KIB, skip);
    const path = join(disk, "audit.db");
    const makeRoom = fill(disk, 4 * KIB);
    const log = new AuditLog(path);
    await expect(log.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    makeRoom();
    expect(await log.append(decision())).toMatchObject({ seq: 1 });
    await log.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 1 });
  });
});
