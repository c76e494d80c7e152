/** A host whose streams are strings, in a new directory of its own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Host } from "../../src/cli/host.ts";
import { run } from "../../src/cli/run.ts";

/** What one command line did. */
export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory to run command lines in. `Symbol.dispose` removes it. */
export class Workplace {
  readonly directory: string = mkdtempSync(join(tmpdir(), "capfence-cli-"));

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Runs a command line here, with nothing in its environment unless `surroundings` say so. */
  async run(
    argv: readonly string[],
    surroundings: { readonly env?: Host["env"]; readonly isTTY?: boolean; readonly now?: string } = {},
  ): Promise<Captured> {
    let stdout = "";
    let stderr = "";
    const code = await run(argv, {
      stdout: { write: (text) => (stdout += text), isTTY: surroundings.isTTY },
      stderr: { write: (text) => (stderr += text) },
      env: surroundings.env ?? {},
      cwd: this.directory,
      now: () => Date.parse(surroundings.now ?? "2026-01-15T12:00:00Z"),
    });
    return { code, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
