/** Whether a command may be one that a deny or require_approval rule is about: yes, maybe or no. */

import { atMostMaybe, both, either, type Answer } from "../../answer.ts";
import { isWithin, locate, type Location } from "../path/location.ts";
import { anatomyOf, dissect, type Anatomy } from "./anatomy.ts";
import { abbreviates, hasOrAbbreviates, spellingsOf } from "./arguments.ts";
import { knownAs, programName } from "./names.ts";
import { allOf, pathsIn, type PartAnswers } from "./part-answers.ts";
import { knowledgeOf } from "./programs.ts";
import type { CommandRule } from "./rule.ts";
import type { Command, Redirection } from "./script.ts";
import { HOLE, literalOf, literalWord, unknownWords, type Word } from "./word.ts";

/** Most arguments of a program nobody knows that are tried as commands. */
const MAX_TRIED = 16;

/** What the parts of a rule answer about a command. */
export function restricts(rule: CommandRule, command: Command): PartAnswers {
  if (copies(rule, command)) return [["it makes a copy of such a program", "maybe"]];
  const parts = partsFor(rule, command, () => anatomyOf(command));
  const certain = command.certain ? parts : parts.map(([part, answer]) => [part, atMostMaybe(answer)] as const);
  if (allOf(certain) !== "no") return certain;
  if (runsByOption(rule, command)) return [["an option names such a program", "maybe"]];
  if (!command.mayRunArguments) return certain;
  return hidesMatch(rule, command) ? [["an argument looks like such a command", "maybe"]] : certain;
}

/** Programs that give another program a new name. */
const COPIERS = new Set(["cp", "install", "link", "ln", "mv"]);

function copies({ programs }: CommandRule, { words: [program, ...rest] }: Command): boolean {
  if (programs === undefined || program === undefined || !COPIERS.has(knownAs(programName(program) ?? "")))
    return false;
  return rest.some(
    (word) => /(?:^|\/)s?bin\//.test(word.shape) && programAnswer(programs, word, programName(word)) !== "no",
  );
}

function partsFor(rule: CommandRule, command: Command, takeApart: () => Anatomy): PartAnswers {
  const parts: [string, Answer][] = [];
  const add = (part: string, answer: () => Answer): void => {
    parts.push([part, answer()]);
  };
  const { programs, subcommands, flags, flagsAny, flagsOnly, args, within, readsFrom, writesTo, assignments } = rule;
  if (programs !== undefined) {
    const [program] = command.words;
    const name = program === undefined ? undefined : programName(program);
    add("program", () => programAnswer(programs, program, name));
    // Of most commands nothing else has to be asked.
    if (parts[0]?.[1] === "no") return parts;
    if (name === undefined && command.certain && program !== undefined) return parts;
  }
  const anatomy = takeApart();
  if (subcommands !== undefined)
    add("subcommand", () => anyOf(subcommands, (words) => subcommandAnswer(words, anatomy)));
  if (flags !== undefined)
    add("flags", () => flags.reduce<Answer>((all, name) => both(all, flagAnswer(name, anatomy)), "yes"));
  if (flagsAny !== undefined) add("flags_any", () => anyOf(flagsAny, (name) => flagAnswer(name, anatomy)));
  if (flagsOnly !== undefined) add("flags_only", () => onlyAnswer(flagsOnly, anatomy));
  if (args !== undefined)
    add("args", () => anyOf([...argumentsOf(anatomy), ...targets(command)], (word) => wordAnswer(word, args)));
  if (within !== undefined)
    add("paths", () => anyOf([...argumentsOf(anatomy), ...targets(command)], (word) => pathAnswer(word, within)));
  if (readsFrom !== undefined || writesTo !== undefined) {
    add("redirects", () => anyOf(command.redirects, (redirect) => redirectAnswer(redirect, readsFrom, writesTo)));
  }
  if (assignments !== undefined)
    add("assignments", () => (command.assignments.some(({ name }) => assignments(name)) ? "yes" : "no"));
  if (rule.opaque !== undefined) add("opaque", () => (command.opaque.length > 0 === rule.opaque ? "yes" : "no"));
  return parts;
}

function anyOf<T>(items: readonly T[], ask: (item: T) => Answer): Answer {
  let answer: Answer = "no";
  for (const item of items) {
    answer = either(answer, ask(item));
    if (answer === "yes") break;
  }
  return answer;
}

function programAnswer(programs: readonly string[], word: Word | undefined, name: string | undefined): Answer {
  if (word === undefined) return "no";
  if (name === undefined) return "maybe";
  return anyOf(programs, (program) => {
    const last = program.slice(program.lastIndexOf("/") + 1);
    if (program === last ? name === program : tidy(word.shape) === tidy(program)) return "yes";
    return knownAs(name) === knownAs(last) || name === last ? "maybe" : "no";
  });
}

/** A path with `//` and `/./` as `/`. */
function tidy(path: string): string {
  return path.replace(/\/(?:\.?\/)+/g, "/");
}

function subcommandAnswer(asked: readonly string[], { subcommand, rest }: Anatomy): Answer {
  const words = rest.filter(({ shape }) => !shape.startsWith("-"));
  const from = subcommand.at === undefined ? -1 : words.indexOf(rest[subcommand.at] ?? ({} as Word));
  const stands = (start: number): Answer =>
    asked.reduce<Answer>((all, each, index) => {
      const word = words[start + index];
      if (word === undefined) return both(all, words.slice(start).some(({ splits }) => splits) ? "maybe" : "no");
      return both(
        all,
        wordAnswer(word, (text) => text === each),
      );
    }, "yes");
  if (from !== -1 && subcommand.certain) return stands(from);
  return anyOf(words, (word) => atMostMaybe(stands(words.indexOf(word))));
}

function flagAnswer(asked: string, { flags, operands, loose, knowledge }: Anatomy): Answer {
  const spellings = spellingsOf(asked, knowledge);
  const written = anyOf(flags, ({ name }) => {
    if (spellings.includes(name)) return "yes";
    return spellings.some((spelling) => abbreviates(name, spelling)) ? "maybe" : "no";
  });
  const marks = spellings.filter((spelling) => !spelling.startsWith("-"));
  const marked = operands.some(({ shape }) => marks.some((mark) => shape.startsWith(mark)));
  return either(either(written, marked ? "yes" : "no"), loose ? "maybe" : "no");
}

function onlyAnswer(asked: readonly string[], { flags, loose, knowledge }: Anatomy): Answer {
  const spellings = new Set(asked.flatMap((name) => spellingsOf(name, knowledge)));
  if (flags.every(({ name }) => spellings.has(name))) return loose ? "maybe" : "yes";
  return flags.some(({ sure, name }) => sure && !spellings.has(name)) ? "no" : "maybe";
}

/** Operands, and values of options. */
function argumentsOf({ operands, flags }: Anatomy): readonly Word[] {
  return [...operands, ...flags.flatMap(({ value }) => value ?? [])];
}

function wordAnswer(word: Word, test: (text: string) => boolean): Answer {
  const value = literalOf(word);
  if (value === undefined) return "maybe";
  return test(value) ? "yes" : "no";
}

function targets({ redirects }: Command): readonly Word[] {
  return redirects.flatMap(({ target }) => target ?? []);
}

function pathAnswer(word: Word, directories: readonly Location[]): Answer {
  if (word.splits) return "maybe";
  return anyOf(pathsIn(word.shape), (path) => {
    const location = locate(path);
    const answer = anyOf(directories, (directory) => isWithin(location, directory));
    if (answer !== "no" || !/[\0~]/.test(path)) return answer;
    // An expansion at the beginning leads anywhere, and one further on anywhere below what stands before it.
    const before = locate(path.slice(0, path.search(/[\0~]/)));
    const leads = directories.some(
      (directory) => isWithin(directory, { ...before, segments: before.segments.slice(0, -1) }) !== "no",
    );
    return /^[\0~]/.test(path) || leads ? "maybe" : "no";
  });
}

function redirectAnswer(
  { operator, target }: Redirection,
  from: readonly Location[] | undefined,
  to: readonly Location[] | undefined,
): Answer {
  if (target === undefined || operator === "<<<") return "no";
  const reads = operator.startsWith("<") && from !== undefined ? pathAnswer(target, from) : "no";
  return either(reads, operator.includes(">") && to !== undefined ? pathAnswer(target, to) : "no");
}

/** Whether the value of an option that runs a program names one of the rule's: `rg --pre rm`, `gcc -wrapper rm,-r`. */
function runsByOption({ programs }: CommandRule, command: Command): boolean {
  const [program] = command.words;
  if (programs === undefined || program === undefined) return false;
  const { runs, globals } = knowledgeOf(knownAs(programName(program) ?? ""));
  if (runs === undefined && globals === undefined) return false;
  const { flags, knowledge } = anatomyOf(command);
  return flags.some(({ name, value }) => {
    if (value === undefined || !hasOrAbbreviates(knowledge.runs, name)) return false;
    return value.shape.split(/[=,]/).some((piece) => isNamed(programs, literalWord(piece)));
  });
}

/** Whether a word surely is the name of a program, and may be one of these. */
function isNamed(programs: readonly string[], word: Word): boolean {
  const name = programName(word);
  return name !== undefined && programAnswer(programs, word, name) !== "no";
}

/** Whether some of the arguments, taken as a command, would be one that the rule is about. */
function hidesMatch(rule: CommandRule, { words }: Command): boolean {
  const { programs } = rule;
  if (programs === undefined) return false;
  let tried = 0;
  return words.some((word, index) => {
    if (index === 0) return false;
    const value = word.shape.slice(word.shape.lastIndexOf("=") + 1);
    if (word.shape.startsWith("-") && value !== word.shape && isNamed(programs, literalWord(value))) return true;
    const [first = word, ...more] = piecesOf(word);
    const name = programName(first);
    if (name !== undefined && programAnswer(programs, first, name) === "no") return false;
    tried += 1;
    if (tried > MAX_TRIED) return true;
    // Whether `--` is for the program or for what it runs is not known either.
    const rest = [first, ...more, ...words.slice(index + 1)].filter(({ shape }) => shape !== "--");
    const parts = partsFor(rule, { ...NOTHING, words: rest }, () => dissect(rest));
    // Of an expansion nothing says that it is a program, unless what follows says so.
    return name === undefined
      ? parts.length > 1 && parts.slice(1).every(([, answer]) => answer === "yes")
      : allOf(parts) !== "no";
  });
}

/** The words that an expansion may make of one which begins with something else: `rm$IFS-r`, `rm{,}-r`. */
function piecesOf(word: Word): readonly Word[] {
  if (!word.shape.includes(HOLE) || word.shape.startsWith(HOLE)) return [word];
  const pieces = word.shape.split(HOLE).filter((piece) => piece !== "");
  return [...pieces.map(literalWord), unknownWords(word.text)];
}

const NOTHING: Command = {
  words: [],
  assignments: [],
  redirects: [],
  via: undefined,
  certain: false,
  mayRunArguments: false,
  opaque: [],
};
