/** `fd`: a search that runs a command for what it finds. */

import { hasOrAbbreviates } from "./arguments.ts";
import type { Launcher } from "./launching.ts";
import { HOLE, mayBecomeFlag, type Word } from "./word.ts";

const RUNS = "--exec --exec-batch";
/** Behind which letter in a word a value stands, and no further options. */
const VALUE_LETTERS = "dEteSocjC";
const LOOSE = "an expansion may become an option of fd";
/** What is put in for what was found: its path, or a part of it, which may begin with a dash. */
const PLACEHOLDER = /\{(?:\/\/|\/\.|[/.])?\}/g;
const FOUND: Word = { text: "{}", shape: `./${HOLE}`, splits: false };

export const fd: Launcher = ({ words }, launches) => {
  const own = words.slice(0, 1);
  const opaque: string[] = [];
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at];
    if (word === undefined) break;
    if (word.shape === "--" && !word.splits) {
      own.push(...words.slice(at));
      break;
    }
    own.push(word);
    const command = mayBecomeFlag(word) ? LOOSE : commandIn(word.shape);
    if (command === undefined) continue;
    if (command === LOOSE) {
      opaque.push(LOOSE);
      launches.unseen(LOOSE);
      continue;
    }
    const stop = words.findIndex(({ shape }, index) => index > at && shape === ";");
    const end = stop === -1 ? words.length : stop;
    const given = [...(command === "" ? [] : [{ ...word, shape: command }]), ...words.slice(at + 1, end)];
    launches.run(filled(given[0]?.shape === "--" ? given.slice(1) : given), "fd --exec");
    at = end;
  }
  return { words: own, opaque };
};

/** What follows in the same word on an option that runs a command; `undefined` when there is no such option. */
function commandIn(shape: string): string | undefined {
  if (!shape.startsWith("-")) return undefined;
  if (shape.startsWith("--")) {
    const [, name = "", value = ""] = /^([^=]*)=?([^]*)$/.exec(shape) ?? [];
    if (name.includes(HOLE)) return LOOSE;
    return hasOrAbbreviates(RUNS, name) ? value : undefined;
  }
  for (let at = 1; at < shape.length; at += 1) {
    const letter = shape[at] ?? "";
    if (letter === HOLE) return LOOSE;
    if (letter === "x" || letter === "X") return shape.slice(at + 1).replace(/^=/, "");
    if (VALUE_LETTERS.includes(letter)) return undefined;
  }
  return undefined;
}

/** The command with what was found in the place of `{}`, or at its end when it has none. */
function filled(command: readonly Word[]): readonly Word[] {
  if (!command.some(({ shape }) => shape.search(PLACEHOLDER) !== -1)) return [...command, FOUND];
  return command.map((word) =>
    word.shape === "{}" ? FOUND : { ...word, shape: word.shape.replaceAll(PLACEHOLDER, HOLE) },
  );
}
