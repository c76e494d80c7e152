/** The text of a file that is given to a command. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { fileProblem } from "../../file-problem.ts";
import { CommandFailure } from "../command-failure.ts";
import { EXIT, type Host } from "../host.ts";

/** Reads a text file, without a byte order mark. Synchronous. @throws CommandFailure when it can't be read. */
export function readGivenText(file: string, host: Host): string {
  try {
    return readFileSync(resolve(host.cwd, file), "utf8").replace(/^\u{feff}/u, "");
  } catch (error) {
    throw new CommandFailure(EXIT.failed, `${file}: ${fileProblem(error)}`, { cause: error });
  }
}
