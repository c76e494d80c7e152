import { setTimeout as pause } from "node:timers/promises";

import { describe, it, onTestFinished } from "vitest";

import { migrate } from "../../../src/audit/postgres/schema.ts";
import { postgresTarget } from "../../../src/audit/postgres/target.ts";
import { PostgresServer } from "../../postgres/server.ts";
import { logDatabase, newPostgresLog } from "../stores.ts";
import { writeTogether } from "./many-processes.ts";

const database = await logDatabase();

const WRITERS = 8;
const APPENDS = 2_000;

describe.skipIf(database === undefined)("8 processes of 2,000 appends each", () => {
  it.each([
    ["to one log", 1],
    ["to 8 logs", WRITERS],
  ])("%s lose nothing, and leave one chain of each", async (_name, count) => {
    const logs = Array.from({ length: count }, () => newPostgresLog(database));
    const locations = Array.from({ length: WRITERS }, (_, index) => logs[index % count] ?? "");
    await writeTogether(locations, { appends: APPENDS, together: 4 });
  });

  it.each([
    ["one log", 1],
    ["8 logs", WRITERS],
  ])("to %s lose nothing that was acknowledged when the server is killed and started again", async (_name, count) => {
    const server = await PostgresServer.start({ fsync: true });
    if (server === undefined) throw new Error("there is no binary");
    onTestFinished(async () => await server.remove());
    await migrate(postgresTarget(server.url));
    const logs = Array.from({ length: count }, () => newPostgresLog(server.url));
    const locations = Array.from({ length: WRITERS }, (_, index) => logs[index % count] ?? "");
    await writeTogether(locations, { appends: APPENDS, together: 4, perseveres: true }, async (writers) => {
      for (let kills = 0; kills < 3; kills += 1) {
        await Promise.all(writers.map(async (writer) => await writer.says(" ")));
        await pause(300 + Math.random() * 500);
        await server.kill();
        await server.start();
      }
    });
  });
});
