/** A command taken apart, as rules ask about it. */

import {
  has,
  isSwitch,
  readArguments,
  subcommandOf,
  type Arguments,
  type Flag,
  type SubcommandReading,
} from "./arguments.ts";
import { knownAs, programName } from "./names.ts";
import type { ProgramKnowledge } from "./knowledge.ts";
import { knowledgeOf } from "./programs.ts";
import type { Command } from "./script.ts";
import { literalOf, type Word } from "./word.ts";

/** The parts of one command. */
export interface Anatomy extends Arguments {
  /** The last part of the program's path; `undefined` when the text does not tell. */
  readonly name: string | undefined;
  readonly subcommand: SubcommandReading;
  /** The words after the program. */
  readonly rest: readonly Word[];
  /** What is known of the program and its subcommand. */
  readonly knowledge: ProgramKnowledge;
  /** Operands and values that may name files. */
  readonly files: readonly Word[];
}

const remembered: WeakMap<Command, Anatomy> = new WeakMap();

/** Takes a command apart, once. */
export function anatomyOf(command: Command): Anatomy {
  let anatomy = remembered.get(command);
  if (anatomy === undefined) remembered.set(command, (anatomy = dissect(command.words)));
  return anatomy;
}

/** Takes words apart as a command. */
export function dissect(words: readonly Word[]): Anatomy {
  const [program] = words;
  const rest = words.slice(1);
  const name = program === undefined ? undefined : programName(program);
  const known = name === undefined ? "" : knownAs(name);
  const general = knowledgeOf(known);
  const subcommand = subcommandOf(rest, general);
  const word = subcommand.at === undefined ? undefined : rest[subcommand.at];
  const knowledge = knowledgeOf(known, word === undefined ? undefined : literalOf(word));
  if (subcommand.at === undefined || general.globals === undefined) {
    const { flags, operands, loose } = readArguments(rest, knowledge);
    return { name, subcommand, rest, knowledge, flags, operands, loose, files: filesAmong(flags, operands, knowledge) };
  }
  const before = readArguments(rest.slice(0, subcommand.at), {
    values: general.globals,
    switches: general.switches ?? "",
  });
  const after = readArguments(rest.slice(subcommand.at + 1), knowledge);
  return {
    name,
    subcommand,
    rest,
    knowledge,
    flags: [...before.flags, ...after.flags],
    operands: [...before.operands, ...rest.slice(subcommand.at, subcommand.at + 1), ...after.operands],
    loose: before.loose || after.loose,
    files: [
      ...filesAmong(before.flags, before.operands, general),
      ...filesAmong(after.flags, after.operands, knowledge),
    ],
  };
}

function filesAmong(flags: readonly Flag[], operands: readonly Word[], knowledge: ProgramKnowledge): readonly Word[] {
  const values = flags.flatMap(({ value }) => value ?? []);
  return [...operands.slice(textOperands(flags, knowledge)), ...values];
}

/** How many of the first operands are text. None of them, if an option takes the place of the text or is not known. */
function textOperands(flags: readonly Flag[], knowledge: ProgramKnowledge): number {
  const { text = 0, pattern, values } = knowledge;
  if (text === 0 || text === Number.POSITIVE_INFINITY) return text;
  const isKnown = (name: string): boolean => has(values, name) || isSwitch(name, knowledge);
  return flags.every(({ name, sure }) => sure && isKnown(name) && !has(pattern, name)) ? text : 0;
}
