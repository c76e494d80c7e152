/** Cold starts beside `node -e 0`, each in a process of its own. Uses the built package: run `npm run build` first. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { measure, report } from "./measure.ts";

/** Importing the package, opening a log, and `capfence verify` on a small log. */
export async function benchStart(): Promise<void> {
  const dist = resolve("dist");
  if (!existsSync(join(dist, "index.js"))) throw new Error("dist/ is missing. Run npm run build first");
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    const index = JSON.stringify(pathToFileURL(join(dist, "index.js")).href);
    const policy = JSON.stringify(resolve("policies/demo.yaml"));
    const decide = `const { ActionRuntime } = await import(${index});
      const runtime = ActionRuntime.fromPolicy(${policy});
      await runtime.execute({ actor: "bench", action: "execute", resource: "shell", payload: { command: "ls" } });
      await runtime.close();`;
    const node = (...args: string[]): { readonly run: () => void } => ({
      run: () => {
        execFileSync(process.execPath, args, { cwd: directory });
      },
    });
    const script = (source: string): { readonly run: () => void } => node("--input-type=module", "-e", source);
    script(decide).run();
    const subjects = [
      { name: "node -e 0", ...node("-e", "0") },
      { name: 'import "@langchain/core/tools" (the peer alone)', ...script(`await import(${peer()})`) },
      { name: 'import "capfence"', ...script(`await import(${index})`) },
      { name: "import, open a log, decide once, close", ...script(decide) },
      { name: "capfence verify", ...node(join(dist, "cli", "bin.js"), "verify") },
      { name: "capfence logs", ...node(join(dist, "cli", "bin.js"), "logs") },
    ];
    report("Cold starts", "µs", await measure(subjects, 11, 1));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function peer(): string {
  return JSON.stringify(import.meta.resolve("@langchain/core/tools"));
}
