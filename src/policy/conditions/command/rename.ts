/** `rename`: one program of this name runs Perl, the other replaces one text by another. */

import type { Launcher } from "./launching.ts";

/** A replacement in which nothing is run: without `e`, and without brackets that hold code or variables. */
const PLAIN = /^(?:s\/(?:[^/\\@${}\0]|\\[^]|\$(?=\/))*\/(?:[^/\\@${}\0]|\\[^]|\$\d)*\/[gi]*|[sy]\/[\w.-]*\/[\w.-]*\/)$/;

export const rename: Launcher = ({ words }, launches) => {
  const operands = words.slice(1).filter(({ shape }) => !/^-[a-zA-Z]$|^--\w+$/.test(shape));
  const [first] = operands;
  if (first === undefined || (PLAIN.test(first.shape) && operands.every(({ shape }) => !shape.startsWith("-"))))
    return { words };
  // A single word is a text to replace, or a function of Perl that takes the name of the file: `exec`.
  if (!/^[\w.-]*$/.test(first.shape) || operands.some(({ shape }) => !/^[\w./\0-]*$/.test(shape)))
    launches.unseen("rename runs code in its own language");
  return { words, opaque: ["rename may run code that is not in the text"], mayRunArguments: true };
};
