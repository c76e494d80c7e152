import { describe, expect, it } from "vitest";

import { verifyLog } from "../../../src/audit/verify.ts";
import { decision, writeSample } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../stores.ts";

const database = await logDatabase();

describe.skipIf(database === undefined)("who may do everything, and changes one column of an entry,", () => {
  const LOG = "(SELECT id FROM capfence.logs WHERE name = $1)";

  it.each([
    ["log = log + 100000", 2],
    ["seq = 77", 2],
    ["hash = repeat('0', 64)", 2],
    ["kind = 'approval'", 2],
    ["body = replace(body, 'policy_', 'Policy_')", 1],
    ["body = body || ' '", 2],
    ["passed = '2026-01-01T00:00:00.000Z'", 2],
    ["passed = ''", 2],
  ])("is found out: %s", async (change, seq) => {
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    const changed = await sql(`UPDATE capfence.entries SET ${change} WHERE seq = ${seq} AND log = ${LOG} RETURNING 1`, [
      nameOf(location),
    ]);
    expect(changed).toHaveLength(1);
    const { intact, problems } = await verifyLog(location);
    expect(intact).toBe(false);
    expect(problems[0]?.seq).toBe(seq);
  });

  it.each(["identity = repeat('a', 31) || id", "latest = ''", "latest = '9999-01-01T00:00:00.000Z'", "id = DEFAULT"])(
    "or of the table of logs, is found out: %s",
    async (change) => {
      const location = newPostgresLog(database);
      await (await writeSample(location)).close();
      await sql(`UPDATE capfence.logs SET ${change} WHERE name = $1`, [nameOf(location)]);
      expect(await verifyLog(location)).toMatchObject({ intact: false });
    },
  );

  it("and takes a text away altogether, is found out", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    await Promise.all(Array.from({ length: 100 }, async () => await log.append(decision())));
    await log.close();
    await sql("ALTER TABLE capfence.entries ALTER body DROP NOT NULL, ALTER hash DROP NOT NULL");
    await sql(`UPDATE capfence.entries SET body = NULL, hash = NULL WHERE seq IN (3, 90) AND log = ${LOG}`, [
      nameOf(location),
    ]);
    const { intact, problems } = await verifyLog(location);
    expect(intact).toBe(false);
    expect(problems.map(({ seq }) => seq)).toEqual(expect.arrayContaining([3, 90]));
  });
});
