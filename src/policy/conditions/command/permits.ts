/** Whether a command is surely one that an allow rule lists: yes, or what keeps it from that. */

import type { Answer } from "../../answer.ts";
import { isWithin, locate, type Location } from "../path/location.ts";
import { anatomyOf, type Anatomy } from "./anatomy.ts";
import { hasOrAbbreviates, spellingsOf } from "./arguments.ts";
import { pathsIn, type PartAnswers } from "./part-answers.ts";
import type { CommandRule } from "./rule.ts";
import type { Command, Redirection } from "./script.ts";
import { HOLE, literalOf, type Word } from "./word.ts";

/** What the parts of a rule answer about a command. Parts that every allow asks for show only when they are in the way. */
export function permits(rule: CommandRule, command: Command): PartAnswers {
  const anatomy = anatomyOf(command);
  const parts: [string, Answer][] = [["program", programAnswer(rule, command)]];
  if (parts[0]?.[1] === "no") return parts;
  const { subcommands, flags, flagsAny, flagsOnly, args, within } = rule;
  const add = (part: string, answer: Answer): void => {
    parts.push([part, answer]);
  };
  const subcommand = subcommands?.find((words) => stands(words, anatomy));
  if (subcommands !== undefined) add("subcommand", subcommand === undefined ? "no" : "yes");
  if (flags !== undefined) add("flags", flags.every((name) => isGiven(name, anatomy)) ? "yes" : "no");
  if (flagsAny !== undefined) add("flags_any", flagsAny.some((name) => isGiven(name, anatomy)) ? "yes" : "no");
  if (flagsOnly !== undefined) add("flags_only", onlyListed(flagsOnly, anatomy) ? "yes" : "no");
  if (args !== undefined) add("args", argumentsAnswer(args, subcommand ?? [], anatomy));
  if (within !== undefined) add("paths", pathsAnswer(command, within, anatomy));
  if (rule.opaque === true) add("opaque", "no");
  const { opaque } = command;
  if (rule.programs === undefined && command.mayRunArguments) add("nobody knows what it runs", "maybe");
  if (opaque.length > 0) add(`opaque: ${opaque[0] ?? ""}`, "maybe");
  if (anatomy.loose || command.words.some(mayBeAnything)) add("an expansion may become an option", "maybe");
  const running = anatomy.flags.find(({ name }) => hasOrAbbreviates(anatomy.knowledge.runs, name));
  if (running !== undefined) add(`${running.name} runs or loads something`, "maybe");
  if (!writesOnlyTo(rule.writesTo, anatomy)) add("it writes a file", "maybe");
  const redirect = command.redirects.find((each) => !isListed(each, rule));
  if (redirect !== undefined) add(`the redirection ${redirect.operator} is not listed`, "no");
  const assignment = command.assignments.find(
    ({ name, value }) => rule.assignments?.(name) !== true || literalOf(value) === undefined,
  );
  if (assignment !== undefined) add(`the assignment of ${assignment.name} is not listed`, "no");
  return parts;
}

function programAnswer({ programs }: CommandRule, { words: [program] }: Command): Answer {
  const value = program === undefined ? undefined : literalOf(program);
  if (value === undefined) return "no";
  // Without a list any program on the search path will do, but none by a path.
  if (programs === undefined) return value.includes("/") ? "no" : "yes";
  return programs.includes(value) ? "yes" : "no";
}

/** Whether the words of a subcommand follow directly on known options of the program. */
function stands(asked: readonly string[], { subcommand: { at, certain }, rest }: Anatomy): boolean {
  return at !== undefined && certain && asked.every((each, index) => literalOf(rest[at + index] ?? NO_WORD) === each);
}

function isGiven(asked: string, { flags, knowledge }: Anatomy): boolean {
  const spellings = spellingsOf(asked, knowledge);
  return flags.some(({ name, sure }) => sure && spellings.includes(name));
}

function onlyListed(asked: readonly string[], { flags, knowledge }: Anatomy): boolean {
  const spellings = new Set(asked.flatMap((name) => spellingsOf(name, knowledge)));
  return flags.every(({ name }) => spellings.has(name));
}

/** The operands behind the subcommand, if the rule names one, and the values of options. */
function argumentsAnswer(
  args: (text: string) => boolean,
  asked: readonly string[],
  { operands, flags }: Anatomy,
): Answer {
  const words = [...operands.slice(asked.length), ...flags.flatMap(({ value }) => value ?? [])];
  const values = words.map(literalOf);
  if (values.includes(undefined)) return "maybe";
  return values.every((value) => value !== undefined && args(value)) ? "yes" : "no";
}

/** Programs that change where relative paths start. */
const MOVES = new Set(["cd", "pushd", "popd"]);

function pathsAnswer({ words }: Command, directories: readonly Location[], { name, files, flags }: Anatomy): Answer {
  if (name !== undefined && MOVES.has(name) && !(words.length === 2 && /^[\w.]/.test(words[1]?.shape ?? "")))
    return "no";
  const unread = flags.some(({ name: flag, value }) => value === undefined && /[/~]|\.\./.test(flag));
  if (unread) return "maybe";
  return files.every((word) => staysWithin(word, directories)) ? "yes" : "no";
}

/** Whether every path that a word may be, or hold, lies in one of the directories, whatever its wildcards find. */
function staysWithin(word: Word, directories: readonly Location[]): boolean {
  const [whole = "", ...inner] = pathsIn(word.shape);
  if (mayBeAnything(word) || /^~|:\/\//.test(whole)) return false;
  // A wildcard finds no `.` or `..`, unless it begins with a dot.
  if (/(?:^|\/)\.[^/]*\0/.test(whole)) return false;
  if (inner.some((part) => /^[/~]|(?:^|\/)\.\.(?:\/|$)/.test(part))) return false;
  const location = locate(whole.replaceAll(HOLE, "x"));
  return directories.some((directory) => isWithin(location, directory) === "yes");
}

function writesOnlyTo(to: readonly Location[] | undefined, { flags, operands, knowledge }: Anatomy): boolean {
  const { writes, writesOperand } = knowledge;
  const written: (Word | undefined)[] = flags
    .filter(({ name }) => hasOrAbbreviates(writes, name))
    .map(({ value }) => value);
  if (writesOperand !== undefined && operands.length >= writesOperand) written.push(operands[writesOperand - 1]);
  return written.every((word) => word !== undefined && to !== undefined && staysWithin(word, to));
}

/** Whether a redirection is one that the rule lists, or only joins standard output and standard error. */
function isListed({ operator, descriptor, target }: Redirection, { readsFrom, writesTo }: CommandRule): boolean {
  if (target === undefined) return false;
  if (operator === ">&" && (descriptor === 1 || descriptor === 2) && /^[12]$/.test(target.shape)) return true;
  if (operator === "<") return readsFrom !== undefined && staysWithin(target, readsFrom);
  return /^>>?$/.test(operator) && writesTo !== undefined && staysWithin(target, writesTo);
}

/** Whether the word may come to be an option: a wildcard finds files called `--output=x` too. */
function mayBeAnything({ shape, splits }: Word): boolean {
  return splits || shape.startsWith(HOLE);
}

const NO_WORD: Word = { text: "", shape: HOLE, splits: false };
