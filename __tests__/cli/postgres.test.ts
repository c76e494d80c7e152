import { describe, expect, it } from "vitest";

import { decision, writeSample } from "../audit/sample-log.ts";
import { database, nameOf, newPostgresLog, sql } from "../audit/stores.ts";
import { Workplace } from "./captured-host.ts";

describe.skipIf(database === undefined)("the command line, of a log in PostgreSQL", () => {
  it("shows, verifies and anchors it, named by the option or by the environment", async () => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    const env = { CAPFENCE_AUDIT_LOG: location };
    expect((await place.run(["logs"], { env })).stdout).toContain("агент");
    expect((await place.run(["verify", "--audit-log", location])).stdout).toContain("4 entries verified");
    const { stdout: vkey } = await place.run(["keys", "generate"]);
    const checkpoint = ["checkpoint", "--out", "kept"];
    expect(await place.run(checkpoint, { env })).toEqual({ code: 0, stdout: "", stderr: "" });
    const anchored = ["verify", "--checkpoint", "kept", "--vkey", vkey.trim()];
    expect((await place.run(anchored, { env })).stdout).toContain("Anchored to entry 4");
    await sql("DELETE FROM capfence.entries WHERE seq = 4 AND log = (SELECT id FROM capfence.logs WHERE name = $1)", [
      nameOf(location),
    ]);
    expect(await place.run(["verify"], { env })).toMatchObject({ code: 0 });
    expect(await place.run(anchored, { env })).toMatchObject({ code: 3 });
    expect(await place.run(checkpoint, { env })).toMatchObject({ code: 3 });
  });

  it("follows it", async () => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    const { stdout, code } = await place.run(["logs", "--follow", "--limit", "1", "--audit-log", location], {
      pauses: [() => {}, async () => await log.append(decision({ actor: "follower" })), () => {}, () => {}],
    });
    await log.close();
    expect(code).toBe(0);
    expect(stdout).toContain("follower");
  });

  it("says of a log or a database that is not there what to do", async () => {
    using place = new Workplace();
    const none = await place.run(["verify", "--audit-log", newPostgresLog(database)]);
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toContain("there is no such log");
    expect(await place.run(["migrate", "--audit-log", database ?? ""])).toEqual({
      code: 0,
      stdout: "The schema capfence is already at version 1.\n",
      stderr: "",
    });
    expect(await place.run(["migrate"])).toMatchObject({ code: 2, stdout: "" });
    const wrong = await place.run(["verify", "--audit-log", "postgres://ann:hunter2@db:port/x"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).not.toContain("hunter2");
  });
});
