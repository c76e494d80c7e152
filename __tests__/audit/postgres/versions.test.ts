import { writeFileSync } from "node:fs";

import { describe, expect, it, onTestFinished } from "vitest";

import { migrate } from "../../../src/audit/postgres/schema.ts";
import { postgresTarget } from "../../../src/audit/postgres/target.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { Workplace } from "../../cli/captured-host.ts";
import { decision, writeSample } from "../sample-log.ts";
import { logDatabase, newPostgresLog, sql, stores } from "../stores.ts";

const database = await logDatabase();

const [, postgres] = stores;

const unavailable =
  (text: string) =>
  (error: unknown): boolean =>
    AuditUnavailableError.isInstance(error) && error.message.includes(text);

/** Makes the schema one of another version, until the test is over. */
async function becomes(version: number): Promise<void> {
  await sql("UPDATE capfence.migrations SET version = $1", [version]);
  onTestFinished(async () => void (await sql("UPDATE capfence.migrations SET version = 1")));
}

describe.skipIf(database === undefined).each([
  [2, "newer", "version 2, and this version of capfence works with 1. Use a newer one"],
  [0, "older", "version 0, and this version of capfence works with 1. Run capfence migrate"],
])("a schema of version %i, a %s one,", (version, _name, message) => {
  it("is read and written by no command, each of which says so and exits 1", async () => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    await (await writeSample(place.path("file.db"))).close();
    await place.run(["keys", "generate"]);
    writeFileSync(place.path("policy.yaml"), "allow: ['*']\n");
    const before = await postgres.stored(location);
    await becomes(version);
    const id = "0".repeat(16);
    for (const argv of [
      ["verify"],
      ["logs"],
      ["logs", "--follow"],
      ["trace", "1"],
      ["approvals"],
      ["checkpoint", "--out", "kept"],
      ["approve", id, "--yes"],
      ["reject", id, "--yes"],
      ["grant", "--agent", "a", "--capability", "pay.send", "--expires", "1h"],
      ["revoke", id],
      ["replay", "--policy", "policy.yaml", location],
      ["export", location],
      ["stats", location],
      ["copy", location, "copy.db"],
      ["copy", "file.db", newPostgresLog(database)],
      ["policy", "diff", "policy.yaml", "policy.yaml", "--audit-log", location],
    ]) {
      const done = await place.run(argv, { env: { CAPFENCE_AUDIT_LOG: location } });
      expect(done, argv.join(" ")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(message) });
    }
    expect(await postgres.stored(location)).toEqual(before);
  });

  it("lets nothing run, and no log is made in it", async () => {
    const [location, fresh] = [newPostgresLog(database), newPostgresLog(database)];
    await (await writeSample(location)).close();
    await becomes(version);
    for (const auditLog of [location, fresh]) {
      await using runtime = ActionRuntime.fromPolicy(Policy.parse("allow: ['*']"), { auditLog });
      const call = { actor: "a", action: "send", resource: "pay" };
      await expect(runtime.execute(call)).rejects.toSatisfy(unavailable(message));
    }
    expect(await postgres.stored(fresh)).toEqual([]);
    expect(await sql("SELECT FROM capfence.logs WHERE name = $1", [new URL(fresh).searchParams.get("log")])).toEqual(
      [],
    );
  });
});

describe.skipIf(database === undefined)("a schema that becomes a newer one", () => {
  it("refuses who is running, when its functions are other ones, and lets them on when it is as it was", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    await sql("ALTER FUNCTION capfence.append RENAME TO append_of_another");
    const refusal: unknown = await log.append(decision()).catch((error: unknown) => error);
    await sql("ALTER FUNCTION capfence.append_of_another RENAME TO append");
    expect(refusal).toSatisfy(unavailable("from before 0.1.0 made the schema: drop it"));
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    await log.close();
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 5 });
  });

  it("is left alone by migrate", async () => {
    await becomes(2);
    await expect(migrate(postgresTarget(database ?? ""))).rejects.toSatisfy(unavailable("version 2"));
    expect(await sql("SELECT version FROM capfence.migrations")).toEqual([{ version: 2 }]);
  });
});
