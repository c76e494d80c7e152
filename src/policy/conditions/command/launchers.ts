/** Which launcher reads the calls of a program. */

import { cmake } from "./cmake.ts";
import { fd } from "./fd.ts";
import { find } from "./find.ts";
import { foreignLauncher } from "./foreign.ts";
import { git } from "./git.ts";
import { hg } from "./hg.ts";
import { ip } from "./ip.ts";
import type { Launcher } from "./launching.ts";
import { rename } from "./rename.ts";
import { shellLauncher } from "./shells.ts";
import { isWrapper, wrapper } from "./wrappers.ts";

const OWN: Readonly<Record<string, Launcher>> = { cmake, fd, find, git, hg, ip, rename };

/** The launcher of a program by the name it is known as; `undefined` when it launches nothing that is known. */
export function launcherOf(known: string): Launcher | undefined {
  if (Object.hasOwn(OWN, known)) return OWN[known];
  if (isWrapper(known)) return wrapper;
  return shellLauncher(known) ?? foreignLauncher(known);
}
