/** Which launcher reads the calls of a program. */

import { cmake } from "./cmake.ts";
import { DATABASE_CLIENTS } from "./database-clients.ts";
import { date } from "./date.ts";
import { fd } from "./fd.ts";
import { find } from "./find.ts";
import { git } from "./git.ts";
import { hg } from "./hg.ts";
import { INTERPRETERS } from "./interpreters.ts";
import { ip } from "./ip.ts";
import type { Launcher } from "./launching.ts";
import { make } from "./make.ts";
import { PACKAGE_RUNNERS } from "./package-runners.ts";
import { REMOVERS } from "./removers.ts";
import { rename } from "./rename.ts";
import { SHELLS } from "./shells.ts";
import { TEXT_TOOLS } from "./text-tools.ts";
import { WRAPPERS } from "./wrappers.ts";

/** Tables of which no two have the same program. */
export const LAUNCHER_TABLES: readonly Readonly<Record<string, Launcher>>[] = [
  { cmake, date, fd, find, git, hg, ip, make, rename },
  SHELLS,
  WRAPPERS,
  INTERPRETERS,
  TEXT_TOOLS,
  PACKAGE_RUNNERS,
  DATABASE_CLIENTS,
  REMOVERS,
];

const LAUNCHERS: ReadonlyMap<string, Launcher> = new Map(LAUNCHER_TABLES.flatMap((table) => Object.entries(table)));

/** The launcher of a program by the name it is known as; `undefined` when it launches nothing that is known. */
export function launcherOf(known: string): Launcher | undefined {
  return LAUNCHERS.get(known);
}
