import { describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { ordinaryUser } from "../../postgres/server.ts";
import { decision } from "../sample-log.ts";
import { appendUntilRefused, canMount, fill, KIB, smallDisk } from "../small-disk.ts";
import { logDatabase, newPostgresLog, sql, stores } from "../stores.ts";

const database = await logDatabase();

const [, postgres] = stores;

/** Whether the server sees the disks that we mount, which one of somebody else's may not. */
const isOurs = database !== undefined && process.env["CAPFENCE_TEST_POSTGRES_URL"] === undefined;

describe.runIf(isOurs && canMount)("a server whose disk is full (needs root, to mount a small one)", () => {
  it("refuses what it has no room for, loses nothing, and goes on when there is room", async ({ skip }) => {
    const disk = smallDisk(1_024 * KIB, skip, ordinaryUser());
    await sql(`CREATE TABLESPACE small LOCATION '${disk}'`);
    await sql("ALTER TABLE capfence.entries SET TABLESPACE small");
    onTestFinished(async () => {
      await sql("ALTER TABLE capfence.entries SET TABLESPACE pg_default");
      await sql("DROP TABLESPACE small");
    });
    const location = newPostgresLog(database);
    const log = new AuditLog(location);
    await log.append(decision());
    const makeRoom = fill(disk, 40 * KIB);
    const { heads, error } = await appendUntilRefused(log);
    expect(heads.length).toBeGreaterThan(3);
    expect(AuditUnavailableError.isInstance(error)).toBe(true);
    expect(String(error)).toContain("the server's disk is full");
    // A shorter one might still find room in the last page.
    const again = await appendUntilRefused(log);
    expect(again.heads).toEqual([]);
    expect(AuditUnavailableError.isInstance(again.error)).toBe(true);
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: heads.length + 1 });
    makeRoom();
    const after = await log.append(decision());
    await log.close();
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: heads.length + 2 });
    expect(await postgres.stored(location)).toEqual(
      expect.arrayContaining([...heads, after].map((head) => expect.objectContaining(head))),
    );
  });
});
