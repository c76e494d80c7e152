import { createRequire } from "node:module";

import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import { PolicyLoadError } from "../../../src/errors.ts";
import type { Answer } from "../../../src/policy/answer.ts";
import { loadPostgresParser } from "../../../src/policy/conditions/sql/postgres-parser.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { issuesIn } from "../load-errors.ts";
import { asked } from "./asked.ts";

const allow = (terms: object, query: unknown): Answer => asked("allow", "sql", terms, { query });
const deny = (terms: object, query: unknown): Answer => asked("deny", "sql", terms, { query });
const isLoaded = (): boolean =>
  Object.keys(createRequire(import.meta.url).cache).some((file) => /[\\/]libpg-query[\\/]/.test(file));

describe("before the parser is loaded", () => {
  it("policies without sql are ready at once, and load no parser", async () => {
    for (const name of ["demo", "filesystem", "http", "mcp", "payments"]) {
      const policy = Policy.load(`policies/${name}.yaml`);
      await policy.ready();
      policy.evaluate(call({ payload: { command: "rm", query: "select 1", url: "https://x.net/" } }));
    }
    expect(isLoaded()).toBe(false);
  });

  it("answers maybe, so that a deny stops and an allow does not let through; then says what it means", async () => {
    const policy = Policy.parse(
      "deny:\n  - {capability: db, sql: {kinds: drop}}\nallow:\n  - {capability: db, sql: {kinds: select}}\n",
    );
    const event = call({ capability: "db.query", payload: { query: "select 1" } });
    expect(policy.evaluate(event)).toMatchObject({ decision: "deny", rule: { section: "deny" } });
    expect(policy.explain(event).rules[0]?.conditions[0]?.why).toContain("before the parser is loaded");
    expect(isLoaded()).toBe(false);
    await policy.ready();
    expect(isLoaded()).toBe(true);
    expect(policy.evaluate(event).decision).toBe("allow");
  });

  it("looks at examples when it is ready, and then refuses a policy whose examples are wrong", async () => {
    const rule = "{capability: db, sql: {kinds: select}, examples: {match: [select 1], not_match: [select 2]}}";
    const policy = Policy.parse(`allow:\n  - ${rule}\n`, { source: "p.yaml" });
    for (let again = 0; again < 2; again += 1) {
      const error: unknown = await policy.ready().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(PolicyLoadError);
      expect((error as PolicyLoadError).issues).toMatchObject([
        { line: 2, path: "allow[0].examples.not_match[0]", message: "this rule applies to this example" },
      ]);
    }
    await Policy.parse(`allow:\n  - ${rule.replace("select 2", "drop table x")}\n`).ready();
  });
});

describe("sql in an allow rule", () => {
  beforeAll(loadPostgresParser);

  const reads = { kinds: ["select", "show", "explain"] };

  it.each([
    "select 1;",
    "table orders",
    "values (1), (2)",
    "select $$drop$$, U&'d!0061t\\+000061' from \"drop\" -- ; drop table x",
    "with recursive t(n) as (values (1) union all select n + 1 from t where n < 9) select sum(n) from t",
    "select count(*) filter (where paid) over (partition by id) from orders tablesample bernoulli (1)",
    "select a->>'b', c::jsonb @> '{}', extract(year from d), e at time zone 'UTC', current_user from f",
    "select coalesce(nullif(a, ''), 'x'), case when a then 1 else 2 end, array[1,2], row(1,2) from b",
    "select pg_catalog.lower('X'), percentile_cont(0.5) within group (order by x) from y",
    "select * from a natural join b left join lateral (select * from c where c.id = a.id) d on true",
    "(select 1 union select 2) intersect select 3 order by 1 limit 5",
    "explain (analyze, buffers) select 1",
    "show all",
    "select * from json_to_recordset('[]') as x(a int)",
    "select 'it''s', $1, $2::int",
  ])("%s only reads", (query) => {
    expect(allow(reads, query)).toBe("yes");
  });

  it.each([
    "with x as (insert into a values (1) returning *) select * from x",
    "with x as (with y as (delete from a returning *) select * from y) select * from x",
    "select * from (select 1) a, lateral (select nextval('s')) b",
    "explain analyze delete from a",
    "explain update a set b = 1",
    "select * into b from a",
    "select * from a for update",
    "select * from a where id in (select id from b for share)",
    "create table x as select 1",
    "create view v as select 1",
    "copy (select 1) to stdout",
    "copy a to '/tmp/x'",
    "copy a from program 'curl x'",
    "prepare p as select 1",
    "execute p",
    "declare c cursor for select 1",
    "do $$ begin end $$",
    "call f()",
    "set role postgres",
    "begin",
    "lock a",
    "listen x",
    "vacuum",
    "select unknown_function(1)",
    "select public.lower('x')",
    "select * from generate_things(1)",
    "select set_config('role', 'x', false)",
    "select pg_sleep(10), pg_read_file('x'), lo_import('x'), pg_terminate_backend(1)",
    "select a from t order by dangerous(a)",
    "select a from t limit (select setval('s', 1))",
    "select '1'::evil.type",
    "select 1; select 2",
    "select sum(a) over (order by f(b)) from t",
    "insert into a values (1)",
    "merge into a using b on a.id = b.id when matched then delete",
  ])("%s does more than read", (query) => {
    expect(allow(reads, query)).toBe("no");
  });

  it.each([
    "",
    " ",
    ";",
    "-- drop",
    "/* x */",
    "/*!50000 drop table x */ select 1",
    "selec 1",
    "select 1 /*",
    "select 'x",
    "{{query}}",
    "\\copy a to b",
    "select 1\0; drop table x",
    "select 1\u001b[2J",
    "select ?",
    "select :x",
    "select 'a\\'; drop table x; --'",
    `select ${"(".repeat(65)}1${")".repeat(65)}`,
    `select ${"not ".repeat(300)}true`,
    `select 1${"+1".repeat(3000)}`,
    `select '${"x".repeat(17_000)}'`,
    `${"/*".repeat(80)}${"*/".repeat(80)} select 1`,
    "select a operator(evil.+) b",
    "select * from a order by b using operator(evil.<)",
    5,
    null,
    { a: 1 },
  ])("%j is not certain", (query) => {
    expect(allow({ ...reads, kinds: ["select", "drop", "create"] }, query)).toBe("maybe");
    expect(deny({ kinds: "drop" }, query)).toBe("maybe");
  });

  it.each<[object, string, Answer]>([
    [{ kinds: "select", tables: "users" }, "select * from users", "yes"],
    [{ kinds: "select", tables: "users" }, "select * from USERS", "yes"],
    [{ kinds: "select", tables: "users" }, 'select * from "Users"', "no"],
    [{ kinds: "select", tables: '"Users"' }, 'select * from "Users"', "yes"],
    [{ kinds: "select", schemas: "app" }, 'select * from "App".users', "no"],
    [{ kinds: "select", functions: "f" }, 'select "F"()', "no"],
    [{ kinds: "select", tables: "users" }, "select * from public.users", "maybe"],
    [{ kinds: "select", tables: "public.users" }, "select * from public.users", "yes"],
    [{ kinds: "select", tables: "public.users" }, "select * from users", "maybe"],
    [{ kinds: "select", tables: "public.*" }, "select * from public.a, public.b", "yes"],
    [{ kinds: "select", tables: "public.*" }, "select * from public.a, audit.b", "no"],
    [{ kinds: "select", tables: ["a", "b"] }, "select (select 1 from b) from a where exists (select from c)", "no"],
    [{ kinds: "select", tables: "a" }, "with x as (select * from a) select * from x", "yes"],
    [{ kinds: "select", tables: "a" }, "with a as (select * from b) select * from a", "no"],
    [{ kinds: "select", tables: "a" }, "with b as (select * from b), c as (select * from a) select * from c", "no"],
    [{ kinds: "select", tables: "a" }, "with x as (select 1 from a) select * from a.x", "no"],
    [{ kinds: "select", tables: "a" }, "select 1", "yes"],
    [{ kinds: "select", schemas: "public" }, "select * from public.a", "yes"],
    [{ kinds: "select", schemas: "public" }, "select * from a", "maybe"],
    [{ kinds: "select", schemas: "public" }, "select * from pg_class", "no"],
    [{ kinds: "select", functions: ["my_sum", "ext.*"] }, "select my_sum(a), ext.f(b), lower(c) from t", "yes"],
    [{ kinds: "select", functions: "my_sum" }, "select public.my_sum(a) from t", "maybe"],
    [{ kinds: "select", functions: "ext.f" }, "select f(a) from t", "maybe"],
    [{ kinds: "select", functions: "query_to_xml" }, "select query_to_xml('drop', true, true, '')", "maybe"],
    [{ kinds: "select", statements: 2 }, "select 1; select 2", "yes"],
    [{ kinds: "select", statements: 2 }, "select 1; select 2; select 3", "no"],
    [{ kinds: ["insert", "select"] }, "insert into a select * from b", "yes"],
    [{ kinds: "insert" }, "insert into a values (lower('X'))", "yes"],
    [{ kinds: "insert" }, "insert into a values ((select 1 from b))", "no"],
    [{ kinds: "insert" }, "insert into a values (1) on conflict (b) do update set c = 1", "no"],
    [
      { kinds: ["insert", "update"], where: "keyed" },
      "insert into a values (1) on conflict (b) do update set c = 1",
      "yes",
    ],
    [{ kinds: "call", functions: "f" }, "call f(1)", "yes"],
    [{ kinds: "select", dialect: "mysql" }, "select 1", "maybe"],
    [{ kinds: ["select", "do"] }, "do $$ begin end $$", "maybe"],
    [{ kinds: ["create"] }, "create function f() returns int language sql as 'select 1'", "maybe"],
  ])("%j with %s: %s", (terms, query, answer) => {
    expect(allow(terms, query)).toBe(answer);
  });
});

describe("how far a WHERE bounds what changes", () => {
  beforeAll(loadPostgresParser);

  it.each<[string, "missing" | "present" | "keyed"]>([
    ["delete from a", "missing"],
    ["update a set b = 1", "missing"],
    ["delete from a where 1 = 1", "missing"],
    ["delete from a where not false", "missing"],
    ["delete from a where true or false", "missing"],
    ["delete from a where id = 1 or 1 = 1", "present"],
    ["delete from a where id > 0", "present"],
    ["delete from a where id = id", "present"],
    ["delete from a where id is not null", "present"],
    ["delete from a where id <> 5", "present"],
    ["delete from a where not id = 5", "present"],
    ["delete from a where id in (select id from a)", "present"],
    ["delete from a where id = (select 1)", "present"],
    ["delete from a where id = random()", "present"],
    ["delete from a where id = null", "present"],
    ["delete from a where active = true", "present"],
    ["delete from a where active = 't'::boolean", "present"],
    ["delete from a where id in (1, b)", "present"],
    ["delete from a where id not in (1, 2)", "present"],
    ["delete from a where (id, b) = (1, 2)", "present"],
    ["delete from a using b where b.id = 1", "present"],
    ["delete from a using b where id = 1", "present"],
    ["update a set c = 1 from b where b.id = 1 and a.id = b.id", "present"],
    ["update a x set c = 1 where a.id = 1", "present"],
    ["delete from a where id operator(evil.=) 1", "present"],
    ["delete from a where current of c", "present"],
    ["delete from a where id = 1", "keyed"],
    ["delete from a where 1 = id", "keyed"],
    ["delete from a where id = -1", "keyed"],
    ["delete from a where id = $1", "keyed"],
    ["delete from a where id = '5'::uuid", "keyed"],
    ["delete from a where id in (1, 2, $3)", "keyed"],
    ["delete from a where b > 0 and (id = 1 and c < 5)", "keyed"],
    ["delete from a where a.id = 1", "keyed"],
    ["update a x set c = 1 where x.id = 1", "keyed"],
    ["delete from a using b where a.id = 7 and b.x = a.y", "keyed"],
    ["with x as (select 1) delete from a where id = 1", "keyed"],
  ])("%s: %s", (query, where) => {
    const kinds = ["select", "update", "delete"];
    expect(allow({ kinds, where: "present" }, query)).not.toBe(where === "missing" ? "yes" : "no");
    expect(allow({ kinds, where: "keyed" }, query) === "yes").toBe(where === "keyed" && !query.includes("evil"));
    expect(deny({ where: "missing" }, query) === "yes").toBe(where === "missing");
    expect(deny({ where: "unkeyed" }, query) === "yes").toBe(where !== "keyed");
  });
});

describe("sql in a deny rule", () => {
  beforeAll(loadPostgresParser);

  it.each<[object, string, Answer]>([
    [{ kinds: "drop" }, "DROP TABLE a", "yes"],
    [{ kinds: "drop" }, "select 1; drop table a", "yes"],
    [{ kinds: "drop" }, "select 'drop table a'", "no"],
    [{ kinds: "drop" }, "do $$ begin drop table a; end $$", "maybe"],
    [{ kinds: "drop" }, "select query_to_xml('drop table a', true, true, '')", "maybe"],
    [{ kinds: "drop" }, "select my_function()", "no"],
    [{ kinds: "drop" }, "execute p", "maybe"],
    [{ kinds: "drop", tables: "users" }, "drop table a.users", "yes"],
    [{ kinds: "drop", tables: "users" }, "drop table orders, users", "yes"],
    [{ kinds: "drop", tables: "users" }, "drop table orders", "no"],
    [{ kinds: "drop", tables: "public.users" }, "drop table users", "maybe"],
    [{ tables: "users" }, 'select * from "Users"', "maybe"],
    [{ tables: "*secret*" }, 'select * from "userSecret"', "maybe"],
    [{ tables: '"Users"' }, "select * from USERS", "maybe"],
    [{ tables: "app.users" }, 'select * from "APP".users', "maybe"],
    [{ tables: "app.users" }, 'select * from "APP".orders', "no"],
    [{ tables: "app.users" }, 'select * from "Other".users', "no"],
    [{ schemas: "app" }, 'select * from "App".users', "maybe"],
    [{ functions: "app.f" }, 'select "App"."F"()', "maybe"],
    [{ kinds: "drop", tables: "public.users" }, "drop schema public cascade", "maybe"],
    [{ kinds: "drop", tables: "public.users" }, "drop schema other", "no"],
    [{ kinds: "delete", tables: "users" }, "delete from logs where id in (select id from users)", "no"],
    [{ kinds: "delete", tables: "users" }, "with x as (delete from users returning *) select * from logs", "yes"],
    [{ kinds: "role" }, "alter user a superuser", "yes"],
    [{ kinds: "grant" }, "grant a to b", "yes"],
    [{ kinds: "grant" }, "revoke all on a from b", "no"],
    [{ kinds: "revoke" }, "revoke all on a from b", "yes"],
    [{ kinds: "grant" }, "alter default privileges grant all on tables to public", "yes"],
    [{ kinds: "program" }, "copy a to program 'x'", "yes"],
    [{ kinds: "file" }, "copy a from '/etc/passwd'", "yes"],
    [{ kinds: "lock" }, "select 1 from a for update", "yes"],
    [{ schemas: "pg_*" }, "select * from pg_shadow", "yes"],
    [{ schemas: "pg_*" }, "select * from orders", "no"],
    [{ schemas: "audit" }, "insert into audit.log values (1)", "yes"],
    [{ functions: ["pg_*", "dblink*"] }, "select pg_read_file('x')", "yes"],
    [{ functions: ["pg_*", "dblink*"] }, "select * from ext.dblink_exec('x')", "yes"],
    [{ functions: "f" }, "call f()", "yes"],
    [{ statements: 1 }, "select 1; select 2", "yes"],
    [{ kinds: "select", statements: 1 }, "select 1; select 2", "yes"],
    [{ kinds: "select", statements: 1 }, "select 1", "no"],
    [{ kinds: "truncate" }, "truncate a, b", "yes"],
    [{ kinds: "drop", dialect: "sqlite" }, "select 1", "maybe"],
  ])("%j with %s: %s", (terms, query, answer) => {
    expect(deny(terms, query)).toBe(answer);
  });
});

describe("sql", () => {
  beforeAll(loadPostgresParser);

  it("is about the fields it names, those that usually hold SQL, or the only text", () => {
    const reads = { kinds: "select" };
    expect(asked("allow", "sql", reads, { sql: "select 1" })).toBe("yes");
    expect(asked("allow", "sql", reads, { query: "select 1", statement: "drop table a" })).toBe("maybe");
    expect(asked("allow", "sql", reads, { input: "select 1", limit: 5 })).toBe("yes");
    expect(asked("allow", "sql", reads, { input: "select 1", note: "x" })).toBe("maybe");
    expect(asked("allow", "sql", { ...reads, field: "input" }, { input: "select 1", query: "drop table a" })).toBe(
      "yes",
    );
    expect(asked("deny", "sql", { kinds: "drop" }, {})).toBe("no");
  });

  it.each([
    ["{}", "must not be empty"],
    ["{field: q}", "says nothing about statements"],
    ["{tables: users}", "has no `kinds`"],
    ["{kinds: selct}", "did you mean `select`?"],
    ["{kinds: select, where: some}", "must be one of any, present, keyed"],
    ["{kinds: select, dialect: postgresql}", "postgres or another dialect"],
  ])("refuses %s", (written, message) => {
    const [issue] = issuesIn(`allow:\n  - {capability: a.b, sql: ${written}}\n`);
    expect(issue).toMatchObject({ line: 2 });
    expect(issue?.message).toContain(message);
  });

  it("never throws and never allows a change, whatever the text", () => {
    const part = fc.constantFrom(
      ..."select from where insert into values update set delete drop table a b . , ; ( ) ' \" $$ -- /* */ * = 1 :: with as $1 \\ \n E' U&' union or null".split(
        " ",
      ),
    );
    const text = fc.oneof(
      fc.array(part, { maxLength: 30 }).map((parts) => parts.join(" ")),
      fc.string({ unit: "binary", maxLength: 60 }),
      fc
        .nat(400)
        .map((length) => "with a as (delete from t where id = 1 returning *) select * from a".slice(0, length)),
    );
    fc.assert(
      fc.property(text, (query) => {
        if (!query.isWellFormed()) return;
        const answer = allow({ kinds: "select" }, query);
        if (answer === "yes") expect(deny({ kinds: ["insert", "update", "delete", "drop"] }, query)).toBe("no");
      }),
      { numRuns: 1500 },
    );
  });
});
