/**
 * `npm run test:core-matrix`: runs the tests of src/langchain with the oldest `@langchain/core` that package.json allows,
 * and with the newest there is. Each is installed in a directory of its own, without running any install script.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const NEEDED = ["@langchain/mcp-adapters", "@modelcontextprotocol/server-filesystem", "vite", "vitest", "zod"];
// Not vitest.config.ts, which starts a database; what needs one is left out.
const COPIED = ["src", "policies", "tsconfig.json", "__tests__/langchain"];

const TESTS = ["__tests__/langchain", "--exclude=**/*.processes.test.ts", "--testTimeout=60000"];

const oldest = manifest.peerDependencies["@langchain/core"].replace("^", "");
const MATRIX = [
  // The oldest LangGraph that MCP's adapters take; newer ones want a newer core.
  { "@langchain/core": oldest, langchain: manifest.devDependencies.langchain, "@langchain/langgraph": "1.4.13" },
  { "@langchain/core": "^1", langchain: "^1", "@langchain/langgraph": "^1" },
];

let failures = 0;
for (const versions of MATRIX) {
  const directory = mkdtempSync(join(tmpdir(), "capfence-core-"));
  try {
    install(directory, versions);
    const names = ["@langchain/core", "langchain", "@langchain/langgraph"];
    console.log(`\n${names.map((name) => `${name} ${installed(directory, name)}`).join(", ")}`);
    failures += run(directory, ["npx", "vitest", "run", ...TESTS]) === 0 ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
if (failures > 0) process.exit(1);

function install(directory, versions) {
  const devDependencies = Object.fromEntries(NEEDED.map((name) => [name, manifest.devDependencies[name]]));
  const { dependencies } = manifest;
  const project = { name: "core-matrix", private: true, type: "module", dependencies, devDependencies };
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ ...project, dependencies: { ...dependencies, ...versions } }),
  );
  for (const name of COPIED) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    cpSync(join(root, name), join(directory, name), { recursive: true });
  }
  // Peers are pinned above; npm would else refuse the oldest core beside packages that were made for a newer one.
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--legacy-peer-deps"];
  if (run(directory, ["npm", "install", ...flags]) !== 0) throw new Error("npm install failed");
}

function installed(directory, name) {
  return JSON.parse(readFileSync(join(directory, "node_modules", name, "package.json"), "utf8")).version;
}

function run(cwd, [command, ...args]) {
  return spawnSync(command, args, { cwd, stdio: "inherit", shell: process.platform === "win32" }).status;
}
