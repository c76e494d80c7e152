/**
 * Programs that work on text, and have commands of their own that run others, write or read files: `awk`, `sed`, `jq`,
 * pagers.
 */

import { readArguments } from "./arguments.ts";
import type { Launcher } from "./launching.ts";
import { knowledgeOf } from "./programs.ts";
import { literalOf } from "./word.ts";

/** `awk` runs programs by `system`, a pipe or `getline`, and writes files. */
const awk: Launcher = ({ words }, launches) => {
  const { flags, operands } = readArguments(words.slice(1), knowledgeOf("awk"));
  const program = operands[0] === undefined ? undefined : literalOf(operands[0]);
  const opaque: string[] = [];
  const texts = [program ?? "", ...flags.map(({ value }) => value?.shape ?? "")];
  if (program === undefined && flags.every(({ name }) => !/^-(?:f|-file)$/.test(name)))
    launches.unseen("awk's program is not in the text");
  for (const text of texts) {
    if (/\bsystem\s*\(|\bgetline\b|\|\s*"|"\s*\|(?!\|)|\|&|\bprintf?\b[^|}\n;]*\|(?!\|)|@\w/.test(text))
      launches.unseen("awk runs another program");
    else if (/[|>@]|system|getline/.test(text)) opaque.push("awk may write a file or run a program");
    else if (/\b(?:ARG[CV]|ENVIRON|PROCINFO|SYMTAB)\b/.test(text))
      opaque.push("awk may read other files or the environment");
  }
  return { words, opaque };
};

const ADDRESS = String.raw`(?:\d+|\$|/(?:[^/\\\n]|\\.)*/I?)`;
const SUBSTITUTE = String.raw`[sy]([^\\\n\w\s])(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gpIi\d]*`;
/** One command of `sed` that only prints, deletes lines of the output, or replaces text in it. */
const PLAIN_SED = new RegExp(`^\\s*(?:${ADDRESS}(?:,${ADDRESS})?)?\\s*!?\\s*(?:[pdq=]|${SUBSTITUTE})?\\s*$`);
/** A command that runs what follows or what it has made, and a file of commands. */
const RUNNING_SED =
  /(?:^|[;{}\n]|\d|\$|\/I?|!)\s*e(?:\s|$)|[sy]([^\\\n\w\s])(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gpIimMw\d]*e/;

/** `sed` runs programs by `e`, and reads and writes files by `r` and `w`. */
const sed: Launcher = ({ words }, launches) => {
  const { flags, operands } = readArguments(words.slice(1), knowledgeOf("sed"));
  const given = flags.filter(({ name }) => /^(?:-e|--exp[a-z]*)$/.test(name)).map(({ value }) => value);
  const scripts = given.length > 0 ? given : operands.slice(0, 1);
  const opaque: string[] = [];
  for (const word of scripts) {
    const script = word === undefined ? undefined : literalOf(word);
    if (script === undefined) opaque.push("sed's script is not in the text");
    else if (PLAIN_SED.test(script)) continue;
    else if (RUNNING_SED.test(script)) launches.unseen("sed runs another program");
    else opaque.push("sed may write a file");
  }
  return { words, opaque };
};

/** `jq` reads the environment and modules. */
const jq: Launcher = ({ words }) => ({
  words,
  opaque: words
    .slice(1)
    .some(({ shape }) => /\benv\b|\bENV\b|\binclude\b|\bimport\b|\binput_filename\b|\$__loc__/.test(shape))
    ? ["jq reads the environment or other files"]
    : [],
});

/** A pager runs the commands of its own that stand behind `+`. */
const pager: Launcher = ({ name, words }, launches) => {
  const given = words.slice(1).filter(({ shape }) => shape.startsWith("+"));
  for (const word of given) launches.guess({ ...word, shape: word.shape.replace(/^\++!?/, "") }, name);
  return { words, opaque: given.length === 0 ? [] : [`${name} may run a program`] };
};

/** By the name the program is known as. */
export const TEXT_TOOLS: Readonly<Record<string, Launcher>> = { awk, sed, jq, less: pager, more: pager, most: pager };
