import { writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { Records } from "../replay/recorded-logs.ts";
import { Workplace } from "./captured-host.ts";
import { inPlace } from "./policy/policy-files.ts";

const place = new Workplace();
const records = new Records();
afterAll(() => {
  place[Symbol.dispose]();
  records[Symbol.dispose]();
});

const POLICY =
  "deny:\n  - { capability: shell, contains: rm, id: no-rm }\n  - { capability: disk, id: no-disk }\nallow: [shell]\n";
let log = "";

beforeAll(async () => {
  writeFileSync(place.path("policy.yaml"), POLICY);
  log = await records.write(Policy.parse(POLICY, { source: "policy.yaml" }), [
    { payload: { command: "ls" }, ms: 7 },
    { payload: { command: "rm" }, actor: "bob\u202e" },
  ]);
});

describe("capfence stats", () => {
  it("prints small tables", async () => {
    const { code, stdout, stderr } = await place.run(["stats", log, "--policy", "policy.yaml"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect([...inPlace(place, stdout), ""]).toEqual([
      "2 decisions, 2026-01-15 10:00:00 to 2026-01-15 10:00:01 UTC. Calls: 1 finished, 0 failed, 0 aborted.",
      "",
      "agent_id     decisions  allow  require_approval  deny  observed",
      "ann          1          1      0                 0     0",
      String.raw`bob\u{202e}  1          0      0                 1     0`,
      "",
      "capability     decisions  allow  require_approval  deny  observed",
      "shell.execute  2          1      0                 1     0",
      "",
      "reason        decisions  allow  require_approval  deny  observed",
      "policy_allow  1          1      0                 0     0",
      "policy_deny   1          0      0                 1     0",
      "",
      "rule      place          section  decisions",
      "allow[0]  policy.yaml:4  allow    1",
      "no-rm     policy.yaml:2  deny     1",
      "",
      "capability     calls  p50 ms  p95 ms  p99 ms  max ms",
      "shell.execute  1      7       7       7       7",
      "",
      "2 decisions made by this very policy; 1 rule made none:",
      "  no-disk at policy.yaml:3",
      "",
    ]);
  });

  it("says nothing of the rules of a policy that decided nothing", async () => {
    writeFileSync(place.path("edited.yaml"), POLICY.replace("contains: rm", "contains: rmdir"));
    const { stdout } = await place.run(["stats", log, "--policy", "edited.yaml"]);
    expect(stdout).toMatch(/\n\nNo decision was made by this very policy, so nothing can be said of its rules\.\n$/);
  });

  it("prints one object for programs", async () => {
    const { stdout } = await place.run(["stats", log, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ decisions: 2, outcomes: { finished: 1 } });
    expect(JSON.parse(stdout)).not.toHaveProperty("policy");
  });

  it("shows ten rows of a table, and how many there are", async () => {
    const many = await records.write(
      Policy.parse("allow: [shell]\n"),
      Array.from({ length: 12 }, (_, at) => ({ actor: `agent-${at}` })),
    );
    const { stdout } = await place.run(["stats", many]);
    expect(stdout).toContain("and 2 more; --json shows all\n");
    expect(stdout.match(/^agent-/gm)).toHaveLength(10);
  });

  it.each([
    [["stats", "none.db"], 1],
    [["stats", "none.db", "--policy", "missing.yaml"], 3],
  ])("%j exits %d", async (argv, code) => {
    expect((await place.run(argv)).code).toBe(code);
  });
});
