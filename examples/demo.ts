/** `npm run demo`: runs two examples, each on a fresh log, and shows what the log says about them. */

import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function run(script: string, args: readonly string[], auditLog: string): void {
  const { status } = spawnSync(process.execPath, ["--import", "tsx", join(root, script), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, CAPFENCE_AUDIT_LOG: auditLog },
  });
  if (status === 0) return;
  console.error(`${script} failed`);
  process.exit(1);
}

for (const example of ["first-blocked-action.ts", "shell-agent.ts"]) {
  const auditLog = join(mkdtempSync(join(tmpdir(), "capfence-demo-")), "audit.db");
  console.log(`\n── ${example} ──\n`);
  run(join("examples", example), [], auditLog);
  console.log("\n$ capfence logs");
  run("src/cli/bin.ts", ["logs", "--audit-log", auditLog], auditLog);
  console.log(`\n$ capfence verify --audit-log ${auditLog}`);
  run("src/cli/bin.ts", ["verify", "--audit-log", auditLog], auditLog);
}
