import { execFile } from "node:child_process";
import { readdirSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterAll, describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { readEntries } from "../../src/audit/read.ts";
import { Records, replayAll } from "./recorded-logs.ts";

const records = new Records();
afterAll(() => records[Symbol.dispose]());

/** Those that run others. */
const RUNNERS = ["run-all.ts", "demo.ts"];
const EXAMPLES = readdirSync("examples").filter((name) => name.endsWith(".ts") && !RUNNERS.includes(name));

/** Every policy that an example has written, and the one that some share, by its digest. */
function policiesBelow(directory: string): ReadonlyMap<string, Policy> {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yaml"));
  const loaded = ["policies/demo.yaml", ...files.map((name) => join(directory, name))].map((path) => Policy.load(path));
  return new Map(loaded.map((policy) => [policy.digest, policy]));
}

describe("replaying every example's log under the policies that made it", () => {
  it.each(EXAMPLES)("%s", { timeout: 120_000 }, async (example) => {
    const directory = records.path(example);
    mkdirSync(directory);
    const log = join(directory, "audit.db");
    const env = { ...process.env, TMPDIR: directory, CAPFENCE_AUDIT_LOG: log };
    await promisify(execFile)(process.execPath, ["--import", "tsx", join("examples", example)], { env });
    const policies = policiesBelow(directory);
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
  });
});
