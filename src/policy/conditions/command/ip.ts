/** `ip`: `netns exec` and `vrf exec` run a command, and `-batch` a file of its own commands. */

import type { Launcher } from "./launching.ts";
import { literalOf } from "./word.ts";

/** `ip` takes the beginnings of its words for the words. */
const ROOMS = /^(?:net(?:ns?)?|vr?f?)$/;
const EXEC = /^e(?:x(?:ec?)?)?$/;

export const ip: Launcher = ({ words }, launches) => {
  const texts = words.map(literalOf);
  const opaque = texts.some((text) => /^--?b/.test(text ?? "")) ? ["ip reads commands from a file"] : [];
  const at = texts.findIndex((text, index) => ROOMS.test(text ?? "") && EXEC.test(texts[index + 1] ?? ""));
  if (at === -1) {
    if (!texts.slice(0, -1).includes(undefined)) return { words, opaque };
    return { words, opaque: [...opaque, "ip's subcommand is not in the text"], mayRunArguments: true };
  }
  // With `-all` no name stands before the command.
  const start = at + (texts.slice(0, at).some((text) => /^--?a/.test(text ?? "")) ? 2 : 3);
  if (start < words.length) launches.run(words.slice(start), `ip ${texts[at] ?? ""} exec`);
  return { words: words.slice(0, start), opaque };
};
