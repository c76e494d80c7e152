/** A host whose streams are strings, in a new directory of its own. */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
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

/** What a command line finds around it. */
export interface Surroundings {
  readonly env?: Host["env"];
  readonly isTTY?: boolean;
  /** Whether a person looks at stderr. */
  readonly errorIsTTY?: boolean;
  /** Milliseconds that the clock goes on each time it is looked at; 0 by default. */
  readonly tick?: number;
  readonly now?: string;
  readonly hostname?: string;
  /** What is on standard input; nothing by default. */
  readonly input?: string;
  /** What happens in each pause that the command makes, in turn; after the last one it is interrupted. */
  readonly pauses?: readonly (() => unknown)[];
  /** What a person answers; nobody is there by default. */
  readonly answer?: boolean;
}

/** A directory to run command lines in. `Symbol.dispose` removes it. */
export class Workplace {
  readonly directory: string = realpathSync(mkdtempSync(join(tmpdir(), "capfence-cli-")));

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Runs a command line here, with nothing in its environment unless `surroundings` say so, and `home` as home. */
  async run(argv: readonly string[], surroundings: Surroundings = {}): Promise<Captured> {
    let stdout = "";
    let stderr = "";
    const { answer, pauses = [] } = surroundings;
    const left = [...pauses];
    let now = Date.parse(surroundings.now ?? "2026-01-15T12:00:00Z");
    const interruption = new AbortController();
    const code = await run(argv, {
      stdout: { write: (text) => (stdout += text), isTTY: surroundings.isTTY },
      stderr: { write: (text) => (stderr += text), isTTY: surroundings.errorIsTTY },
      env: surroundings.env ?? {},
      cwd: this.directory,
      home: () => this.path("home"),
      hostname: () => surroundings.hostname ?? "this-host",
      now: () => (now += surroundings.tick ?? 0),
      pause: async () => {
        await left.shift()?.();
        if (left.length === 0) interruption.abort();
      },
      interruption: () => interruption.signal,
      readInput: async () => await Promise.resolve(surroundings.input ?? ""),
      confirm:
        answer === undefined
          ? undefined
          : async (question) => {
              stderr += question;
              return await Promise.resolve(answer);
            },
    });
    return { code, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
