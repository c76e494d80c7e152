/** `npm run examples`: runs every example in turn, each in its own process, and fails if one of them does. */

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL(".", import.meta.url));
const self = basename(fileURLToPath(import.meta.url));
// Each example makes a log of its own.
const { CAPFENCE_AUDIT_LOG: _, ...env } = process.env;

let failures = 0;
for (const example of readdirSync(directory).toSorted()) {
  if (!example.endsWith(".ts") || example === self) continue;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", join(directory, example)], {
    cwd: join(directory, ".."),
    encoding: "utf8",
    timeout: 120_000,
    env,
  });
  console.log(`${status === 0 ? "pass" : "FAIL"}  ${example}`);
  if (status === 0) continue;
  failures += 1;
  console.error(`${stdout}${stderr}`);
}
if (failures > 0) process.exit(1);
