import { readFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Workplace } from "./captured-host.ts";
import { record, WALKTHROUGH } from "./recorded-calls.ts";

const place = new Workplace();
beforeAll(() => record(place.path("audit.db"), WALKTHROUGH));
afterAll(() => place[Symbol.dispose]());

describe("wrong usage exits 2, says so on stderr and prints nothing else", () => {
  it.each([
    [["shout"], "unknown command 'shout'"],
    [["lgos"], "unknown command 'lgos' (Did you mean logs?)"],
    [["--loud"], "unknown option '--loud'"],
    [["logs", "--loud"], "unknown option '--loud'"],
    [["logs", "--jsno"], "unknown option '--jsno' (Did you mean --json?)"],
    [["logs", "audit.db"], "too many arguments for 'logs'. Expected 0 arguments but got 1."],
    [["verify", "audit.db"], "too many arguments for 'verify'. Expected 0 arguments but got 1."],
    [["verify", "--audit-log"], "option '--audit-log <log>' argument missing"],
    [
      ["verify", "--audit-log", ""],
      "option '--audit-log <log>' argument '' is invalid. It must be the path of a file.",
    ],
    [["verify", "--limit", "5"], "unknown option '--limit'"],
    [
      ["logs", "--decision", "maybe"],
      "option '--decision <decision>' argument 'maybe' is invalid. Allowed choices are allow, deny, require_approval.",
    ],
    [["logs", "--since", "2h", "--until", "3h"], "option '--since <time>' is later than option '--until <time>'"],
    [["logs", "--a\u{1b}[2Jgent"], String.raw`unknown option '--a\u{1b}[2Jgent'`],
  ])("%j", async (argv, message) => {
    expect(await place.run(argv)).toEqual({ code: 2, stdout: "", stderr: `capfence: ${message}\n` });
  });

  it.each([
    ["verify", "--audit-log"],
    ["logs", "--audit-log"],
    ["checkpoint", "--audit-log"],
    ["unlock", "--audit-log"],
    ["stats"],
    ["export"],
    ["copy", "audit.db"],
  ])("%s %s: a URL that is none of a log's, and its password, are not repeated", async (...argv) => {
    for (const url of ['"postgres://u:secret@h/d"', " postgres://u:secret@h/d", "http://u:secret@h/d"]) {
      const { code, stderr } = await place.run([...argv, url]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.not.stringContaining("secret") as string });
    }
  });

  it.each(["0", "-1", "1.5", "1e3", "ten", "", " 5", "1000000000000000"])("--limit %j", async (limit) => {
    expect(await place.run(["logs", `--limit=${limit}`])).toEqual({
      code: 2,
      stdout: "",
      stderr: `capfence: option '--limit <count>' argument '${limit}' is invalid. It must be a whole number from 1 to 999999999999999.\n`,
    });
  });

  it.each([
    ["--since", "yesterday"],
    ["--until", "yesterday"],
    ["--since", ""],
    ["--since", "2026"],
    ["--since", "2026-1-15"],
    ["--since", "2026-02-30"],
    ["--since", "2026-13-01"],
    ["--since", "2026-01-15T24:00"],
    ["--since", "2026-01-15T10:60"],
    ["--since", "2026-01-15T10:00+25:00"],
    ["--since", "2026-01-15T10"],
    ["--since", " 2026-01-15"],
    ["--since", "1768471200"],
    ["--since", "2 h"],
    ["--since", "2M"],
    ["--since", "-2h"],
    ["--since", "1.5h"],
  ])("%s %j, which is no time", async (option, text) => {
    const { code, stdout, stderr } = await place.run(["logs", `${option}=${text}`]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`capfence: option '${option} <time>' argument '${text}' is invalid. It must be a time`);
  });
});

describe("help and version", () => {
  it("prints package.json's version", async () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(await place.run(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  it("prints help on stderr and exits 2 without a command", async () => {
    const { stdout: help } = await place.run(["--help"]);
    expect(await place.run([])).toEqual({ code: 2, stdout: "", stderr: help });
  });

  it("takes help as a command too", async () => {
    expect(await place.run(["help", "logs"])).toEqual(await place.run(["logs", "--help"]));
  });

  it("explains the program", async () => {
    const { code, stdout, stderr } = await place.run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: capfence [options] [command]

      Checks and tests CapFence policies; answers what needs approval; reads, checks and anchors the audit
      logs.

      Options:
        -V, --version               print the version
        -h, --help                  print this help

      Commands:
        logs [options]              Shows the latest decisions, oldest first.
        approvals [options]         Shows what waits for approval. Never writes.
        approve [options] <id>      Lets a call that waits run, once. Asks first.
        reject [options] <id>       Refuses a call that waits. Asks first.
        grant [options]             Lets calls to come run without asking.
        revoke [options] <id>       Ends a grant.
        verify [options]            Checks the hash chain of an audit log. Never writes.
        trace [options] <decision>  Shows one recorded decision in full.
        replay [options] [record]   Decides recorded calls again under another policy, and shows what
                                    differs.
        export [options] [log]      Prints all of an audit log, as JSON that can be replayed or as CSV.
        stats [options] [log]       Counts decisions by agent, capability, reason and rule.
        checkpoint [options]        Signs how long an audit log is and what its last entry is.
        keys                        Makes the keys that checkpoints and approvals are signed with.
        unlock [options]            Removes a lock whose owner is on another host. Asks first.
        copy <from> <to>            Copies an audit log between a file and PostgreSQL.
        migrate [options]           Makes a PostgreSQL database ready for audit logs.
        policy                      Checks, explains, tests and compares policies.
        help [command]              print help for a command

      Exit codes:
        0  fine
        1  could not do it
        2  wrong usage
        3  a finding: a broken audit chain, a policy that is not valid, a test that failed
      "
    `);
  });

  it("explains logs", async () => {
    const { code, stdout, stderr } = await place.run(["logs", "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: capfence logs [options]

      Shows the latest decisions, oldest first.

      Options:
        --audit-log <log>      the audit log (default: CAPFENCE_AUDIT_LOG, else ./audit.db)
        --agent <id>           only this agent's
        --decision <decision>  only these (choices: "allow", "deny", "require_approval")
        --since <time>         only from this time on
        --until <time>         only before this time
        --limit <count>        show at most this many, before what --follow adds (default: 50)
        -f, --follow           go on and show what is recorded from now on, until interrupted
        --json                 print whole entries, one JSON object per line
        -h, --help             print this help

      Times are UTC. A <time> is a date (2026-01-15), a time (2026-01-15T10:23, with a zone if you like), or how long ago
      (30s, 15m, 2h, 7d, 1w).

      Exit codes:
        0  fine
        1  could not do it
        2  wrong usage
      "
    `);
  });

  it("explains verify", async () => {
    const { code, stdout, stderr } = await place.run(["verify", "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: capfence verify [options]

      Checks the hash chain of an audit log, and holds it against checkpoints. Never writes.

      Options:
        --audit-log <log>    the audit log (default: CAPFENCE_AUDIT_LOG, else ./audit.db)
        --checkpoint <file>  a checkpoint of the log, kept elsewhere; may be repeated
        --vkey <key>         a verifying key, or a file that holds one; may be repeated
        --min-size <count>   entries there must be, entry 0 included; with checkpoints, anchored ones
        --json               print one JSON object
        -h, --help           print this help

      Exit codes:
        0  fine
        1  could not do it
        2  wrong usage
        3  a finding: the audit chain is broken, or contradicts a checkpoint
      "
    `);
  });
});

describe("which log is read", () => {
  it.each([
    ["./audit.db when nothing is said", ["verify"], {}],
    ["the option's, relative to the working directory", ["verify", "--audit-log", "audit.db"], {}],
    ["the option's, absolute", ["verify", "--audit-log", place.path("audit.db")], { CAPFENCE_AUDIT_LOG: "none.db" }],
    ["the environment's", ["verify"], { CAPFENCE_AUDIT_LOG: "audit.db" }],
    ["./audit.db when the environment's is empty", ["verify"], { CAPFENCE_AUDIT_LOG: "" }],
  ])("%s", async (_, argv, env) => {
    expect((await place.run(argv, { env })).code).toBe(0);
  });

  it("is the environment's rather than ./audit.db", async () => {
    const { code, stdout, stderr } = await place.run(["logs"], { env: { CAPFENCE_AUDIT_LOG: "other.db" } });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("other.db");
  });
});
