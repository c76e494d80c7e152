import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

import { afterAll, beforeAll, expect, it } from "vitest";

import { Workplace } from "./captured-host.ts";
import { record, WALKTHROUGH } from "./recorded-calls.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

const PROGRAM = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const ARGUMENTS = ["--import", TSX, PROGRAM];
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
  const { status, stdout, stderr } = spawnSync(process.execPath, [...ARGUMENTS, "logs", "--decision", "deny"], {
    cwd: place.directory,
    env: { ...ENV, CAPFENCE_AUDIT_LOG: "audit.db" },
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/policy_deny\n$/);

  const failed = spawnSync(process.execPath, [...ARGUMENTS, "verify"], {
    cwd: "/",
    env: { ...ENV, CAPFENCE_AUDIT_LOG: place.path("missing.db") },
    encoding: "utf8",
  });
  expect({ status: failed.status, stdout: failed.stdout }).toEqual({ status: 1, stdout: "" });
  expect(failed.stderr).toMatch(/^capfence: [^\n]+\n$/);
});

it.skipIf(process.platform === "win32")("can be piped to head, and still tells what it found", () => {
  const quoted = [process.execPath, ...ARGUMENTS].map((part) => `'${part}'`).join(" ");
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
