import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { Client } from "pg";
import { afterAll, describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { readEntries } from "../../src/audit/read.ts";
import { emptyDatabase } from "../postgres/database.ts";
import { Records, replayAll } from "./recorded-logs.ts";

const records = new Records();
afterAll(() => records[Symbol.dispose]());

/** Those that run others. */
const RUNNERS = ["run-all.ts", "demo.ts"];
const EXAMPLES = readdirSync("examples").filter((name) => name.endsWith(".ts") && !RUNNERS.includes(name));

/** A database for the one whose log is in PostgreSQL. */
const database = await emptyDatabase();
const IN_POSTGRES = "two-hosts.ts";

/** Every policy that an example has written or holds in its text, and the one that some share, by its digest. */
function policiesOf(example: string, directory: string): ReadonlyMap<string, Policy> {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yaml"));
  const loaded = ["policies/demo.yaml", ...files.map((name) => join(directory, name))].map((path) => Policy.load(path));
  const held = readFileSync(join("examples", example), "utf8").matchAll(/Policy\.parse\(`([^`]*)`\)/g);
  const parsed = [...held].map(([, text = ""]) => Policy.parse(text));
  return new Map([...loaded, ...parsed].map((policy) => [policy.digest, policy]));
}

/** The log in the database, whose name has a number that only the example knows. */
async function logIn(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>("SELECT name FROM capfence.logs");
  await client.end();
  const location = new URL(url);
  location.searchParams.set("log", rows[0]?.name ?? "");
  return location.href;
}

describe("replaying every example's log under the policies that made it", () => {
  it.skipIf(database === undefined)(IN_POSTGRES, { timeout: 120_000 }, async () => await run(IN_POSTGRES));
  it.each(EXAMPLES.filter((name) => name !== IN_POSTGRES))("%s", { timeout: 120_000 }, run);
});

async function run(example: string): Promise<void> {
  const directory = records.path(example);
  mkdirSync(directory);
  const file = join(directory, "audit.db");
  const env = {
    ...process.env,
    TMPDIR: directory,
    CAPFENCE_AUDIT_LOG: file,
    ...(database !== undefined && { CAPFENCE_TEST_POSTGRES_URL: database }),
  };
  await promisify(execFile)(process.execPath, ["--import", "tsx", join("examples", example)], { env });
  const log = example === IN_POSTGRES && database !== undefined ? await logIn(database) : file;
  const policies = policiesOf(example, directory);
  const digests = new Set<string>();
  for await (const { entry } of readEntries(log)) if (entry.kind === "decision") digests.add(entry.policy);
  expect(digests.size).toBeGreaterThan(0);
  for (const digest of digests) {
    const policy = policies.get(digest);
    if (policy === undefined) throw new Error(`no policy of ${example} has the digest ${digest}`);
    const calls = (await replayAll(log, policy)).calls.filter((call) => call.policy === digest);
    expect(calls.map(({ change }) => change)).toEqual(
      calls.map(({ change }) => (change === "refused" ? change : "none")),
    );
  }
}
