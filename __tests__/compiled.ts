/** The compiled form of sources that tests start as processes of their own. */

import { join } from "node:path";

import { inject } from "vitest";

/**
 * The path of what a source file was compiled to; `source` is its path in the repository, such as `src/cli/bin.ts`.
 * Everything else of the sources lies beside it as in the repository.
 *
 * @throws Error with what the compiler said, when it failed.
 */
export async function compiled(source: string): Promise<string> {
  const response = await fetch(inject("compiler"));
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return join(answer, source.replace(/\.ts$/, ".js"));
}
