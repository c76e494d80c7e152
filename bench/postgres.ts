/** What a durable decision in PostgreSQL costs beside a bare INSERT and its COMMIT through the same driver. */

import { Client } from "pg";

import { PostgresServer } from "../__tests__/postgres/server.ts";
import { migrate } from "../src/audit/postgres/schema.ts";
import { postgresTarget } from "../src/audit/postgres/target.ts";
import { ActionEvent, ActionRuntime } from "../src/index.ts";
import { measure, report } from "./measure.ts";

const POLICY = "policies/demo.yaml";

/** Durable decisions, one after another and many at once, in a server of our own that flushes every commit. */
export async function benchPostgres(): Promise<void> {
  const configured = process.env["CAPFENCE_TEST_POSTGRES_URL"];
  const server = configured === undefined ? await PostgresServer.start({ fsync: true }) : undefined;
  const url = configured ?? server?.url;
  if (url === undefined) return console.log("\nPostgreSQL: no binary for this platform");
  try {
    await migrate(postgresTarget(url));
    await benchServer(url);
  } finally {
    await server?.remove();
  }
}

async function benchServer(url: string): Promise<void> {
  const auditLog = new URL(url);
  auditLog.searchParams.set("log", `bench ${Date.now()}`);
  const runtime = ActionRuntime.fromPolicy(POLICY, { auditLog: auditLog.href });
  const decide = async (): Promise<void> => {
    await runtime.execute(
      ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload: { command: "ls -la /tmp" } }),
    );
  };
  await decide();
  const bare = new Client({ connectionString: url });
  await bare.connect();
  await bare.query("CREATE TEMP TABLE last AS SELECT body FROM capfence.entries ORDER BY log DESC, seq DESC LIMIT 1");
  const [entry] = (await bare.query<{ body: string }>("SELECT body FROM last")).rows;
  await bare.query("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body text NOT NULL)");
  const insert = { name: "bare", text: "INSERT INTO bare (body) VALUES ($1)", values: [entry?.body] };
  const timings = await measure(
    [
      {
        name: "INSERT that commits itself",
        run: async (times) => {
          for (let index = 0; index < times; index += 1) await bare.query(insert);
        },
      },
      {
        name: "BEGIN, INSERT, COMMIT",
        run: async (times) => {
          for (let index = 0; index < times; index += 1) {
            await bare.query("BEGIN");
            await bare.query(insert);
            await bare.query("COMMIT");
          }
        },
      },
      ...[1, 8, 64].map((count) => ({
        name: `runtime.execute, ${count === 1 ? "one caller" : `${count} callers`}`,
        run: async (times: number) => await callers(count, times, decide),
      })),
    ],
    25,
    192,
  );
  report(`A durable decision in PostgreSQL (${entry?.body.length} bytes an entry)`, "µs", timings);
  await bare.query("DROP TABLE bare");
  await bare.end();
  await runtime.close();
}

async function callers(count: number, times: number, decide: () => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (let index = 0; index < times / count; index += 1) await decide();
    }),
  );
}
