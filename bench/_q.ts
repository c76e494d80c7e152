import { Client } from "pg";
import { PostgresServer } from "../__tests__/postgres/server.ts";
import { migrate } from "../src/audit/postgres/schema.ts";
import { postgresTarget } from "../src/audit/postgres/target.ts";
import { AuditLog } from "../src/audit/log.ts";
import { PreparedEntry } from "../src/audit/entry.ts";
const server = (await PostgresServer.start({ fsync: false }))!;
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
const c = new Client({ connectionString: server.url });
await c.connect();
const t = new PreparedEntry(content).template(log.identity!, new Date().toISOString());
await c.query("create table tmpl(t text)");
await c.query("insert into tmpl values ($1)", [t]);
await c.query("create table bare (id bigserial primary key, body text not null)");
const [{ text }] = (await c.query("SELECT pg_get_functiondef('capfence.append'::regproc) AS text")).rows;
const variants: Record<string, string> = {
  full: text,
  noset: text.replace("PERFORM set_config('lock_timeout', wait_ms::text, true);", ""),
  nosecdef: text.replace("SECURITY DEFINER", ""),
  nopath: text.replace("SECURITY DEFINER", "").replace(/SET search_path TO [^\n]*\n/, ""),
  nojson: text.replace(/content := [^;]*;/, "content := '{}';").replace(/IF \(content[\s\S]*?END IF;/, ""),
  noappends: text.replace(/INSERT INTO capfence.appends[^;]*;/, ""),
  nosel: text.replace(/SELECT appends.first[^;]*;/, ""),
};
for (const [name, def] of Object.entries(variants)) {
  await c.query(def);
  const times = [];
  for (let r = 0; r < 5; r++) {
    const s = performance.now();
    await c.query(
      `do $$ declare x text; i int; begin select t into x from tmpl; for i in 1..400 loop perform capfence.append('default', gen_random_uuid(), array[x], -1, '', 1000); end loop; end $$`,
    );
    times.push(((performance.now() - s) / 400) * 1000);
  }
  console.log(name.padEnd(10), Math.min(...times).toFixed(0), "µs");
}
{
  const times = [];
  for (let r = 0; r < 5; r++) {
    const s = performance.now();
    await c.query(
      `do $$ declare x text; i int; begin select t into x from tmpl; for i in 1..400 loop insert into bare(body) values (x); end loop; end $$`,
    );
    times.push(((performance.now() - s) / 400) * 1000);
  }
  console.log("bare", Math.min(...times).toFixed(0));
}
await c.end();
await log.close();
await server.remove();
