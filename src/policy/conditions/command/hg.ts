/** `hg`: settings on the command line decide what it runs and loads. */

import { hasOrAbbreviates } from "./arguments.ts";
import type { Launcher } from "./launching.ts";

/** A setting is an alias, a hook or a program, and `!` before it is for a shell. */
export const hg: Launcher = ({ words }, launches) => {
  const opaque: string[] = [];
  for (const [index, word] of words.entries()) {
    const [, option = "", inWord] = /^([^=]*)(?:=([^]*))?$/.exec(word.shape) ?? [];
    if (!hasOrAbbreviates("--config", option)) continue;
    opaque.push("hg --config changes what hg runs");
    const setting = inWord === undefined ? words[index + 1] : { ...word, shape: inWord };
    if (setting === undefined) continue;
    const [, name = "", value = ""] = /^([^=]*)=?([^]*)$/.exec(setting.shape) ?? [];
    if (/^extensions\./i.test(name)) launches.unseen("hg loads an extension");
    launches.code({ ...setting, shape: value.replace(/^\s*!/, "") }, "hg");
  }
  return { words, opaque, mayRunArguments: true };
};
