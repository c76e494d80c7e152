import { Client, Pool } from "pg";
import { PostgresServer } from "../__tests__/postgres/server.ts";
import { migrate } from "../src/audit/postgres/schema.ts";
import { postgresTarget } from "../src/audit/postgres/target.ts";
import { AuditLog } from "../src/audit/log.ts";
import { PreparedEntry } from "../src/audit/entry.ts";
import { measure, report } from "./measure.ts";
import { ActionEvent, ActionRuntime } from "../src/index.ts";
const server = (await PostgresServer.start({ fsync: process.argv[2] === "fsync" }))!;
await migrate(postgresTarget(server.url));
const log = new AuditLog(server.url);
const content = {
  kind: "decision",
  event: "x",
  actor: "bench",
  action: "execute",
  resource: "shell",
  capability: "shell.execute",
  environment: "production",
  decision: "allow",
  authorized: true,
  reason: "policy_allow",
  policy: "ab".repeat(32),
  payload: { command: "ls -la /tmp" },
  digest: { salt: "ab".repeat(16), sha256: "cd".repeat(32) },
} as any;
await log.append(new PreparedEntry(content));
const bare = new Client({ connectionString: server.url });
await bare.connect();
const pool = new Pool({ connectionString: server.url, max: 2 });
const [e] = (await bare.query("select body from capfence.entries order by seq desc limit 1")).rows as any;
await bare.query("create table bare (id bigserial primary key, body text not null)");
const insert = { name: "bare", text: "INSERT INTO bare (body) VALUES ($1)", values: [e.body] };
const id = log.identity!;
const runtime = ActionRuntime.fromPolicy("policies/demo.yaml", { auditLog: server.url + "?log=b" });
const decide = async () => {
  await runtime.execute(
    ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload: { command: "ls -la /tmp" } }),
  );
};
await decide();
const t = new PreparedEntry(content).template(id, new Date().toISOString());
const fn = () =>
  bare.query({
    name: "fn",
    text: "SELECT * FROM capfence.append($1, $2, $3, $4, $5, $6)",
    values: ["default", crypto.randomUUID(), [t], -1, "", 1000],
  });
const many = (f: () => Promise<unknown>) => async (times: number) => {
  for (let i = 0; i < times; i++) await f();
};
report(
  "x",
  "µs",
  await measure(
    [
      { name: "bare client", run: many(() => bare.query(insert)) },
      { name: "bare pool", run: many(() => pool.query(insert)) },
      { name: "function, client", run: many(fn) },
      { name: "AuditLog.append", run: many(() => log.append(new PreparedEntry(content))) },
      { name: "runtime.execute", run: many(decide) },
    ],
    15,
    150,
  ),
);
await log.close();
await runtime.close();
await bare.end();
await pool.end();
await server.remove();
