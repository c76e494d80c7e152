import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { linkSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";

import { compiled } from "../compiled.ts";
import { Workplace } from "./captured-host.ts";
import { record, WALKTHROUGH } from "./recorded-calls.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

const PROGRAM = await compiled("src/cli/bin.ts");
const ENV = { PATH: process.env["PATH"] };

beforeAll(async () => {
  await record(place.path("audit.db"), WALKTHROUGH);
  // More than a pipe holds, so that the writer meets a reader that has gone.
  await record(
    place.path("long.db"),
    Array.from({ length: 300 }, () => ({ command: "x".repeat(1000) })),
  );
});

it("runs on the real process: arguments, working directory, environment, streams, exit code", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, "logs", "--decision", "deny"], {
    cwd: place.directory,
    env: { ...ENV, CAPFENCE_AUDIT_LOG: "audit.db" },
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/policy_deny\n$/);

  const failed = spawnSync(process.execPath, [PROGRAM, "verify"], {
    cwd: "/",
    env: { ...ENV, CAPFENCE_AUDIT_LOG: place.path("missing.db") },
    encoding: "utf8",
  });
  expect({ status: failed.status, stdout: failed.stdout }).toEqual({ status: 1, stdout: "" });
  expect(failed.stderr).toMatch(/^capfence: [^\n]+\n$/);
});

it.skipIf(process.platform === "win32")("can be piped to head, and still tells what it found", () => {
  const quoted = [process.execPath, PROGRAM].map((part) => `'${part}'`).join(" ");
  const logs = `${quoted} logs --audit-log long.db --limit 300 --json`;
  const { stdout, stderr } = spawnSync(
    "/bin/sh",
    ["-c", `{ ${logs}; echo "exit $?" >&2; } | head -n 1 | cut -c 1-20`],
    {
      cwd: place.directory,
      env: ENV,
      encoding: "utf8",
    },
  );
  expect({ stdout, stderr }).toEqual({ stdout: '{"action":"execute",\n', stderr: "exit 0\n" });
});

it.skipIf(process.platform === "win32")("follows no longer than somebody reads", async () => {
  await record(place.path("read.db"), WALKTHROUGH);
  const follower = spawn(process.execPath, [PROGRAM, "logs", "-f", "--audit-log", "read.db"], {
    cwd: place.directory,
    env: ENV,
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void follower.kill("SIGKILL"));
  const stderr = text(follower.stderr);
  await once(follower.stdout, "data");
  follower.stdout.destroy();
  await record(place.path("read.db"), WALKTHROUGH);
  const [code] = (await once(follower, "exit")) as [number | null];
  expect({ code, stderr: await stderr }).toEqual({ code: 0, stderr: "" });
});

const python = process.platform !== "win32" && spawnSync("python3", ["-c", "import pty"]).status === 0;

it.skipIf(!python).each([
  ["y\n", 0, "The lock is removed, and the log records who removed it."],
  ["yes\n", 0, "The lock is removed, and the log records who removed it."],
  ["\n", 1, "capfence: the lock stays"],
  ["yesterday\n", 1, "capfence: the lock stays"],
  ["\u{4}", 1, "capfence: the lock stays"],
  ["\u{3}", 1, "capfence: the lock stays"],
])("asks on a terminal: %j exits %d", async (typed, code, message) => {
  const log = place.path(`locked-${Buffer.from(typed).toString("hex")}.db`);
  await record(log, WALKTHROUGH);
  const owner = { pid: 1, thread: 0, host: "far-away", boot: "", namespace: "", started: "", nonce: "0".repeat(16) };
  writeFileSync(`${log}-owner.${owner.nonce}`, JSON.stringify(owner));
  linkSync(`${log}-owner.${owner.nonce}`, `${log}-lock`);
  const terminal = [
    "import os, pty, sys",
    "def read(fd):",
    "  data = os.read(fd, 1024)",
    `  if b'[y/N]' in data: os.write(fd, ${JSON.stringify(typed)}.encode())`,
    "  return data",
    "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))",
  ].join("\n");
  const { status, stdout } = spawnSync(
    "python3",
    ["-c", terminal, process.execPath, PROGRAM, "unlock", "--audit-log", log],
    { cwd: place.directory, env: ENV, encoding: "utf8" },
  );
  expect({ status, answered: stdout.includes(message) }).toEqual({ status: code, answered: true });
});
