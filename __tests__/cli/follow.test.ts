import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";

import { ActionEvent } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { compiled } from "../compiled.ts";
import { Workplace, type Captured } from "./captured-host.ts";
import { appendSealing, record, WALKTHROUGH } from "./recorded-calls.ts";

let place = new Workplace();
beforeEach(() => {
  const own = new Workplace();
  onTestFinished(() => own[Symbol.dispose]());
  place = own;
});

/** Follows `audit.db`; each of `pauses` happens between two looks at it, and then the command is interrupted. */
function follow(pauses: readonly (() => unknown)[], ...options: readonly string[]): Promise<Captured> {
  return place.run(["logs", "--follow", ...options], { pauses });
}

function decided(actor: string): () => Promise<void> {
  return async () => await record(place.path("audit.db"), [{ command: "ls", actor }]);
}

describe("logs --follow", () => {
  it("shows the table, and then what is appended", async () => {
    await record(place.path("audit.db"), WALKTHROUGH);
    const later = (): Promise<void> =>
      record(place.path("audit.db"), [
        { command: "ls", actor: "another-agent", at: "2026-01-15T10:23:09Z" },
        { command: "rm -rf /", at: "2026-01-15T10:23:08Z" },
      ]);
    expect(await follow([() => {}, later, () => {}, decided("ann")])).toEqual({
      code: 0,
      stdout: [
        "timestamp            agent_id    capability     decision  reason",
        "2026-01-15 10:23:01  demo-agent  shell.execute  allow     policy_allow",
        "2026-01-15 10:23:02  demo-agent  shell.execute  deny      policy_deny",
        "2026-01-15 10:23:09  another-agent  shell.execute  allow     policy_allow",
        "2026-01-15 10:23:08  demo-agent     shell.execute  deny      policy_deny",
        "2026-01-15 10:23:01  ann            shell.execute  allow     policy_allow",
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  it("shows what an open runtime appends, and does not end with it", async () => {
    const runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell]"), { auditLog: place.path("audit.db") });
    const call = (actor: string) => async (): Promise<void> => {
      await runtime.execute({ actor, action: "execute", resource: "shell", payload: {} });
    };
    await call("a1")();
    const { code, stdout } = await follow([call("a2"), call("a3"), () => runtime.close(), decided("a4")]);
    expect({ code, shown: stdout.match(/a\d/g) }).toEqual({ code: 0, shown: ["a1", "a2", "a3", "a4"] });
  });

  it("shows what was appended until it was interrupted", async () => {
    await record(place.path("audit.db"), WALKTHROUGH);
    const { stdout } = await follow([decided("a1")]);
    expect(stdout).toContain(" a1 ");
  });

  it("goes across folds and seals, and shows everything once", async () => {
    const actors = Array.from({ length: 40 }, (_, index) => `agent-${index}`);
    const groups = [1, 2, 3, 4, 5, 6, 7, 8].map((size, index) => {
      const start = (index * (index + 1)) / 2;
      return actors.slice(start, start + size);
    });
    const [first = [], ...further] = groups;
    await appendSealing(place.path("audit.db"), first);
    const { stdout } = await follow(
      further.map((group) => () => appendSealing(place.path("audit.db"), group)),
      "--json",
    );
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { actor: string }).actor)).toEqual(groups.flat());
    expect(readdirSync(place.directory).filter((name) => /\.[0-9a-f]{8}\.\d+$/.test(name)).length).toBeGreaterThan(3);
  });

  it("limits only what is there already, and goes on filtering", async () => {
    await record(place.path("audit.db"), [
      { command: "a", actor: "a1" },
      { command: "a", actor: "a2" },
    ]);
    const later = [decided("a3"), decided("a4")];
    expect((await follow(later, "--limit", "1")).stdout.match(/a\d/g)).toEqual(["a2", "a3", "a4"]);
    expect((await follow([decided("a3"), decided("a4")], "--agent", "a3")).stdout.match(/a\d/g)).toEqual(["a3", "a3"]);
  });

  it("may begin before the first decision", async () => {
    await record(place.path("audit.db"), []);
    await appendSealing(place.path("audit.db"), []);
    const { code, stdout } = await follow([decided("a1")]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        "timestamp  agent_id  capability  decision  reason\n2026-01-15 10:23:01  a1        shell.execute  allow     policy_allow\n",
    });
  });
});

/** A table whose times are all the same. */
function timeless(text: string): string {
  return text.replaceAll(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/gm, "T");
}

describe("outcomes while following", () => {
  let runtime: ActionRuntime;
  beforeEach(() => {
    runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell.execute]"), { auditLog: place.path("audit.db") });
    onTestFinished(() => runtime.close());
  });

  /** The two halves of a call. */
  function call(actor: string): { readonly begin: () => Promise<void>; readonly end: () => Promise<void> } {
    const event = ActionEvent.create({ actor, action: "execute", resource: "shell" });
    const verdict = { current: undefined as Awaited<ReturnType<ActionRuntime["execute"]>> | undefined };
    return {
      begin: async () => {
        verdict.current = await runtime.execute(event);
      },
      end: async () => {
        if (verdict.current !== undefined) {
          await runtime.recordOutcome(event, verdict.current, { status: "failed", durationMs: 1 });
        }
      },
    };
  }

  it("come in the decision's line if they are known, and else in a line of their own under a new header", async () => {
    const [first, second, third] = [call("a1"), call("a2"), call("a3")];
    await first.begin();
    const quick = async (): Promise<void> => {
      await second.begin();
      await second.end();
    };
    const { stdout } = await follow([first.end, quick, third.begin, third.end]);
    expect(timeless(stdout).split("\n")).toEqual([
      "timestamp            agent_id  capability     decision  reason",
      "T  a1        shell.execute  allow     policy_allow",
      "timestamp            agent_id  capability     decision  reason  outcome",
      "T  a1        shell.execute  -         -       failed",
      "T  a2        shell.execute  allow     policy_allow  failed",
      "T  a3        shell.execute  allow     policy_allow  unknown",
      "T  a3        shell.execute  -         -             failed",
      "",
    ]);
  });

  it("are JSON lines, each entry once", async () => {
    const [first, second] = [call("a1"), call("a2")];
    await first.begin();
    const quick = async (): Promise<void> => {
      await second.begin();
      await second.end();
    };
    const { stdout } = await follow([first.end, quick], "--json");
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { kind: "decision", seq: 1, actor: "a1", outcome: "unknown" },
      { kind: "outcome", seq: 2, of: 1, outcome: "failed" },
      { kind: "decision", seq: 3, actor: "a2", outcome: "failed" },
    ]);
  });

  it("of decisions that are not shown are not shown", async () => {
    const [first, second] = [call("a1"), call("a2")];
    await first.begin();
    await second.begin();
    const { stdout } = await follow([first.end, second.end], "--agent", "a2", "--json");
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { kind: "decision", actor: "a2" },
      { kind: "outcome", actor: "a2" },
    ]);
  });
});

describe("a log that can't be followed any more exits 1, with one line on stderr:", () => {
  it.each([
    ["one that is gone", () => rmSync(place.path("audit.db")), "there is no such file"],
    [
      "one that was cut",
      () => copyFileSync(place.path("old.db"), place.path("audit.db")),
      "it no longer holds entry 3 as it was when it was read. Run capfence verify",
    ],
    [
      "another in its place",
      async () => {
        await record(place.path("new.db"), [...WALKTHROUGH, ...WALKTHROUGH]);
        copyFileSync(place.path("new.db"), place.path("audit.db"));
      },
      "it no longer holds entry 3 as it was when it was read. Run capfence verify",
    ],
    [
      "one that was damaged",
      () => copyFileSync(fileURLToPath(import.meta.url), place.path("audit.db")),
      "not a readable SQLite file (file is not a database)",
    ],
  ])("%s", async (_, change, problem) => {
    await record(place.path("audit.db"), WALKTHROUGH);
    copyFileSync(place.path("audit.db"), place.path("old.db"));
    const { code, stdout, stderr } = await follow([decided("a1"), change, decided("never")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `capfence: Audit log ${place.path("audit.db")}: ${problem}\n`,
    });
    expect(stdout.split("\n")).toHaveLength(5);
  });

  it("one that was never there", async () => {
    expect(await follow([])).toMatchObject({ code: 1, stdout: "" });
  });
});

it.skipIf(process.platform === "win32")("follows what other processes write, until SIGINT", async () => {
  await record(place.path("audit.db"), WALKTHROUGH);
  const start = (script: string, ...argv: readonly string[]): ReturnType<typeof spawn> => {
    const child = spawn(process.execPath, [script, ...argv], {
      cwd: place.directory,
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  const follower = start(await compiled("src/cli/bin.ts"), "logs", "-f", "--json");
  let stdout = "";
  const lines = async (count: number): Promise<string[]> => {
    while (stdout.split("\n").length <= count) await once(follower.stdout ?? follower, "data");
    return stdout.trimEnd().split("\n");
  };
  follower.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  await lines(2);
  const orders = { path: place.path("audit.db"), appends: 300, together: 8 };
  const script = await compiled("__tests__/audit/writer-process.ts");
  const writers = ["w1", "w2"].map((actor) => start(script, JSON.stringify({ ...orders, actor })));
  const shown = await lines(602);
  for (const writer of writers) expect(await ended(writer)).toBe(0);
  follower.kill("SIGINT");
  expect(await ended(follower)).toBe(0);
  const seqs = shown.map((line) => (JSON.parse(line) as { seq: number }).seq);
  expect(seqs).toEqual(Array.from({ length: 602 }, (_, index) => index + 1));
  expect(stdout.trimEnd().split("\n")).toHaveLength(602);
});

async function ended(child: ReturnType<typeof spawn>): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}
