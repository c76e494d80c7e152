/** The arguments of a command as options and operands. */

import type { ProgramKnowledge } from "./knowledge.ts";
import { HOLE, literalOf, mayBecomeFlag, type Word } from "./word.ts";

/** An option as it is written. */
export interface Flag {
  /** `-r`, `--recursive`, or `-name` for programs whose options are words. */
  readonly name: string;
  /** Whether it surely is an option, and not the value of the one before it. */
  readonly sure: boolean;
  /** Its value, when it has one in the same word, or is known to take one from the next. */
  readonly value: Word | undefined;
}

/** The arguments of a command, taken apart. */
export interface Arguments {
  readonly flags: readonly Flag[];
  readonly operands: readonly Word[];
  /** Whether there may be more options than are written. */
  readonly loose: boolean;
}

/** Takes arguments apart, `words` without the program. Short options in one word are split; `--` ends options. */
export function readArguments(words: readonly Word[], knowledge: ProgramKnowledge): Arguments {
  const reader = new ArgumentReader(words, knowledge);
  reader.read();
  return reader;
}

class ArgumentReader implements Arguments {
  readonly flags: Flag[] = [];
  readonly operands: Word[] = [];
  loose = false;
  readonly #words: readonly Word[];
  readonly #knowledge: ProgramKnowledge;
  #at = 0;
  /** Whether the word before was an option that may take this one as its value. */
  #afterFlag = false;

  constructor(words: readonly Word[], knowledge: ProgramKnowledge) {
    this.#words = words;
    this.#knowledge = knowledge;
  }

  read(): void {
    for (; this.#at < this.#words.length; this.#at += 1) {
      const word = this.#words[this.#at];
      if (word === undefined) return;
      if (word.shape === "--" && !word.splits) {
        this.operands.push(...this.#words.slice(this.#at + 1));
        return;
      }
      if (mayBecomeFlag(word)) this.loose = true;
      if (!word.shape.startsWith("-") || word.shape === "-") {
        this.operands.push(word);
        this.#afterFlag = false;
      } else this.#flag(word);
    }
  }

  #flag(word: Word): void {
    const { shape } = word;
    const sure = !this.#afterFlag;
    if (shape.startsWith("--") || this.#knowledge.words === true) {
      const [, name = shape, value] = /^([^=]*)=([^]*)$/.exec(shape) ?? [];
      if (name.includes(HOLE)) this.loose = true;
      if (value === undefined) this.#push(name, sure, this.#nextAsValue(name));
      else this.#push(name, sure, { ...word, shape: value });
      this.#afterFlag = value === undefined && !this.#isSwitch(name);
      return;
    }
    if (/^-\d+$/.test(shape)) {
      this.#push("-NUMBER", sure, undefined);
      this.#afterFlag = false;
      return;
    }
    if (has(this.#knowledge.runs, shape)) {
      this.#push(shape, sure, this.#nextAsValue(shape));
      this.#afterFlag = false;
    } else this.#cluster(word, sure);
  }

  #cluster(word: Word, sure: boolean): void {
    let certain = sure;
    const letters = word.shape.slice(1);
    for (const [index, letter] of Array.from(letters).entries()) {
      if (letter === HOLE) {
        this.loose = true;
        certain = false;
        continue;
      }
      const name = `-${letter}`;
      const rest = letters.slice(index + 1);
      if (this.#takesValue(name)) {
        this.#push(name, certain, rest === "" ? this.#nextAsValue(name) : { ...word, shape: rest });
        this.#afterFlag = false;
        return;
      }
      this.#push(name, certain, undefined);
      // What follows a letter that nobody knows may be its value.
      if (!this.#isSwitch(name)) certain = false;
      this.#afterFlag = !this.#isSwitch(name);
    }
  }

  /** The next word, when the option is known to take a value and cannot be mistaken about it. */
  #nextAsValue(name: string): Word | undefined {
    if (!this.#takesValue(name)) return undefined;
    const next = this.#words[this.#at + 1];
    if (next === undefined) return undefined;
    this.#at += 1;
    if (next.splits) this.loose = true;
    return next;
  }

  #takesValue(name: string): boolean {
    return has(this.#knowledge.values, name) || has(this.#knowledge.runs, name);
  }

  #isSwitch(name: string): boolean {
    return !this.#takesValue(name) && isSwitch(name, this.#knowledge);
  }

  #push(name: string, sure: boolean, value: Word | undefined): void {
    this.flags.push({ name, sure, value });
  }
}

const lists: Map<string, ReadonlySet<string>> = new Map();

/** Whether a list of options, separated by spaces, has this one. Lists are those of our own tables. */
export function has(list: string | undefined, name: string): boolean {
  if (list === undefined) return false;
  let set = lists.get(list);
  if (set === undefined) lists.set(list, (set = new Set(list.split(" "))));
  return set.has(name);
}

/** Whether an option is known, as one without a value. */
export function isSwitch(name: string, { switches, meanings }: ProgramKnowledge): boolean {
  if (has(switches, name)) return true;
  for (const meaning in meanings) if (has(meanings[meaning], name)) return true;
  return false;
}

/** All spellings of an option that a rule names: by meaning, by letter, or by long name. */
export function spellingsOf(name: string, knowledge: ProgramKnowledge): readonly string[] {
  if (name.startsWith("-") || name === "+" || name === ":") return [name];
  const meanings = knowledge.meanings ?? {};
  const meaning = name.replaceAll("-", "_");
  if (Object.hasOwn(meanings, meaning)) return meanings[meaning]?.split(" ") ?? [];
  if (name === "number") return ["-NUMBER"];
  return name.length === 1 ? [`-${name}`] : [`--${name.replaceAll("_", "-")}`, `-${name}`];
}

/** Whether a long option may be short for another, as GNU getopt and others take unambiguous beginnings. */
export function abbreviates(written: string, spelling: string): boolean {
  if (!written.startsWith("--") || !spelling.startsWith("--") || written.length < 3) return false;
  return spelling.toLowerCase().startsWith(written.toLowerCase());
}

/** Whether a list of options has this one, or one that this may be short for. */
export function hasOrAbbreviates(list: string | undefined, name: string): boolean {
  if (list === undefined) return false;
  if (has(list, name)) return true;
  return name.length > 2 && name.startsWith("--") && list.split(" ").some((spelling) => abbreviates(name, spelling));
}

/** The words of a program's subcommands, as far as they come before anything else. */
export function subcommandOf(words: readonly Word[], knowledge: ProgramKnowledge): SubcommandReading {
  let certain = true;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    const value = word === undefined ? undefined : literalOf(word);
    if (word === undefined || value === undefined) return { at: undefined, certain: false };
    if (!value.startsWith("-") && !value.startsWith("+")) return { at, certain };
    const name = value.replace(/=[^]*$/, "");
    if (has(knowledge.globals, name) && name === value) at += 1;
    else if (!has(knowledge.globals, name) && !has(knowledge.switches, name)) certain = false;
  }
  return { at: undefined, certain };
}

/** Where a subcommand stands among the arguments. */
export interface SubcommandReading {
  /** `undefined` when there is none, or it can't be told. */
  readonly at: number | undefined;
  /** Whether every option before it is known. */
  readonly certain: boolean;
}
