/** Reads a script into the commands that it runs, those inside others included. */

import type {
  Assignment as ParsedAssignment,
  Command as ParsedCommand,
  ParameterExpansionPart,
  ParsedScript,
  PipelineNode,
  Redirection as ParsedRedirection,
  SyntaxNode,
} from "unbash";

import { agrees } from "./agreement.ts";
import { anatomyOf } from "./anatomy.ts";
import { hasOrAbbreviates } from "./arguments.ts";
import { isOtherDialect } from "./dialect.ts";
import { runsQuotedText } from "./evaluated.ts";
import { inputFrom, UNKNOWN_INPUT, type Input } from "./input.ts";
import { launcherOf } from "./launchers.ts";
import type { Launches, OwnPart } from "./launching.ts";
import {
  MAX_COMMANDS,
  MAX_LENGTH,
  MAX_NESTING,
  MAX_READ,
  MAX_WORDS,
  TOO_DEEP,
  TOO_LONG,
  hasControl,
  problemBeforeParsing,
} from "./limits.ts";
import { knownAs, programName } from "./names.ts";
import { loadParser } from "./parser.ts";
import { knowledgeOf, takesDataOnly } from "./programs.ts";
import type { Assignment, Command, Redirection, Script } from "./script.ts";
import { builtinLauncher, printedBy, prints } from "./shells.ts";
import { HOLE, leavesDirectoriesAlone, literalWord, readWord, type Word } from "./word.ts";
import { LOADED_VARIABLES, RUN_VARIABLES } from "./variables.ts";

/** Reads a script. Synchronous; never throws, whatever the text. */
export function readScript(text: string): Script {
  const reader = new ScriptReader();
  reader.top(text);
  return reader.script(text);
}

/** Reads a command that is given as its words, which no shell looks at. */
export function readWords(words: readonly string[]): Script {
  const reader = new ScriptReader();
  const text = words.join(" ");
  if (text.length > MAX_LENGTH) reader.unseen(TOO_LONG);
  else if (words.some(hasControl)) reader.unseen("a control character");
  else reader.attempt(() => reader.run(words.map(literalWord), undefined));
  return reader.script(text);
}

/** What is known where a command stands. */
interface Surroundings {
  readonly input: Input;
  readonly assignments: readonly Assignment[];
  readonly redirects: readonly Redirection[];
}

const NOTHING_AROUND: Surroundings = { input: UNKNOWN_INPUT, assignments: [], redirects: [] };

/** Ends the reading of a script, also while guessing, since a guess that is given up may be the one that is right. */
class TooMuch extends Error {}

class ScriptReader implements Launches {
  readonly #commands: Command[] = [];
  readonly #unseen: Set<string> = new Set();
  readonly #undecidable: Set<string> = new Set();
  setsVariables = false;
  /** Whether expansions of directories are what they always are. */
  #trusted = true;
  #certain = true;
  /** Text that is being read of which it is not known whether it is code. */
  #guess: string | undefined;
  readonly #guesses: Set<string> = new Set();
  #depth = 0;
  #read = 0;
  #words = 0;
  #via: string | undefined;

  script(text: string): Script {
    return {
      text,
      commands: this.#commands,
      unseen: [...this.#unseen],
      guesses: [...this.#guesses],
      undecidable: [...this.#undecidable],
    };
  }

  top(text: string): void {
    if (text.length > MAX_LENGTH) return this.unseen(TOO_LONG);
    if (hasControl(text)) return this.unseen("a control character");
    this.#trusted = leavesDirectoriesAlone(text);
    this.setsVariables =
      /\w\+?=|\b(?:read|set|export|declare|local|typeset|mapfile|readarray|getopts|for|select)\b/.test(text);
    this.attempt(() => this.#source(text));
  }

  /** What fails has understood nothing more. */
  attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#unseen.add(error instanceof TooMuch ? error.message : "it could not be read");
    }
  }

  unseen(why: string): void {
    if (this.#guess === undefined) this.#unseen.add(why);
    else this.#guesses.add(this.#guess);
  }

  code(text: Word, via: string): void {
    const { shape } = text;
    if (shape.includes(HOLE) || text.splits) this.unseen(`${via} runs code that is not all in the text`);
    this.#inside(via, () => this.#source(shape.replaceAll(HOLE, "${_}")));
  }

  guess(text: Word, via: string): void {
    // Settings and aliases have this before what is for a shell.
    const shape = text.shape.replace(/^\s*!(?=\S)/, "");
    // One bare word has nothing in it that could be told apart from a name.
    if (!/[\s;&|$`{}<>]/.test(shape)) return;
    if (this.#guess !== undefined) {
      this.#guesses.add(shape);
      return;
    }
    const before = this.#certain;
    [this.#guess, this.#certain] = [shape, false];
    try {
      this.#inside(via, () => this.#source(shape.replaceAll(HOLE, "${_}")));
    } finally {
      [this.#guess, this.#certain] = [undefined, before];
    }
  }

  run(words: readonly Word[], via: string | undefined, input: Input = UNKNOWN_INPUT): void {
    this.#inside(via, () => this.#command(words, { ...NOTHING_AROUND, input }));
  }

  #inside(via: string | undefined, step: () => void): void {
    if (this.#depth >= MAX_NESTING) throw new TooMuch(TOO_DEEP);
    const before = this.#via;
    this.#depth += 1;
    this.#via = via ?? before;
    try {
      step();
    } finally {
      this.#depth -= 1;
      this.#via = before;
    }
  }

  #source(text: string): void {
    this.#read += text.length;
    if (this.#read > MAX_READ) throw new TooMuch("it has too much code inside code");
    const problem = problemBeforeParsing(text);
    if (problem !== undefined) throw new TooMuch(problem);
    const script = loadParser().parse(text);
    if (!agrees(text, script, this.#trusted) && this.#guess === undefined) {
      this.#undecidable.add("it has more than plain commands, quotes and redirections");
    }
    this.#visit(script);
  }

  #visit(node: SyntaxNode): void {
    if (node.type === "Pipeline") return this.#pipeline(node.commands);
    if (node.type === "Command") return this.#parsed(node, UNKNOWN_INPUT);
    if (node.type === "Script") this.#errors(node);
    else if (node.type === "ParameterExpansion") this.#expansion(node);
    else if (node.type === "Assignment") this.#assigned(node);
    else if (node.type === "HereDoc" && node.closing === undefined) this.unseen("a here-document without an end");
    if (runsQuotedText(node)) this.unseen("the shell evaluates what is in a subscript");
    loadParser().forEachChild(node, (child) => this.#visit(child));
  }

  #errors({ errors = [] }: ParsedScript): void {
    for (const { message } of errors) this.unseen(`it is not well formed: ${message}`);
  }

  /** The parser has cut substitutions out of some of these; so wherever it shows none, none may be there. */
  #expansion({ operation, text, prefix, index }: ParameterExpansionPart): void {
    const trusted = operation?.type === "Default" && prefix === undefined && index === undefined;
    if (!trusted && /\$\(|`|<\(|>\(|\$\{[ |\t\n]/.test(text.slice(2)))
      this.unseen("a substitution inside an expansion");
  }

  /** What single quotes keep back now, arithmetic, `${x@P}` or a subscript may run later. */
  #assigned({ value }: ParsedAssignment): void {
    if (value.type === "Word" && /\$\(|`/.test(readWord(value, this.#trusted).shape)) {
      this.unseen("a variable is given code");
    }
  }

  #pipeline(commands: readonly PipelineNode[]): void {
    let input = UNKNOWN_INPUT;
    for (const [index, command] of commands.entries()) {
      if (command.type === "Command") this.#parsed(command, input);
      else this.#visit(command);
      const isRead = command.type === "Command" && index < commands.length - 1;
      input = isRead ? this.#outputOf(command) : UNKNOWN_INPUT;
    }
  }

  #outputOf(command: ParsedCommand): Input {
    if (command.name === undefined || command.prefix.length > 0 || command.redirects.length > 0) return UNKNOWN_INPUT;
    const name = programName(readWord(command.name, this.#trusted));
    if (name === undefined) return UNKNOWN_INPUT;
    if (knownAs(name) === "find") return { kind: "paths" };
    const text = prints(name) ? printedBy(name, this.#wordsOf(command)) : undefined;
    return text === undefined ? UNKNOWN_INPUT : { kind: "text", text };
  }

  #wordsOf({ name, args }: ParsedCommand): Word[] {
    const words = name === undefined ? [] : [readWord(name, this.#trusted)];
    for (const arg of args) words.push(arg.type === "Word" ? readWord(arg, this.#trusted) : this.#assignmentWord(arg));
    return words;
  }

  #assignmentWord({ name, value, text, append, index }: ParsedAssignment): Word {
    if (value.type !== "Word" || index !== undefined) return { text, shape: `${name}${HOLE}`, splits: false };
    const { shape } = readWord(value, this.#trusted);
    return { text, shape: `${name}${append === true ? "+" : ""}=${shape}`, splits: false };
  }

  #parsed(command: ParsedCommand, piped: Input): void {
    const assignments: Assignment[] = [];
    const redirects: Redirection[] = [];
    let input = piped;
    for (const each of command.prefix) if (each.type === "Assignment") assignments.push(this.#assignment(each));
    for (const redirection of command.redirects) {
      const read = this.#redirection(redirection);
      redirects.push(read);
      if (read.descriptor === undefined || read.descriptor === 0) input = inputFrom(redirection, read) ?? input;
    }
    loadParser().forEachChild(command, (child) => this.#visit(child));
    this.#command(this.#wordsOf(command), { input, assignments, redirects });
  }

  #assignment(parsed: ParsedAssignment): Assignment {
    const { shape } = this.#assignmentWord(parsed);
    const value = shape.includes("=") ? shape.slice(shape.indexOf("=") + 1) : HOLE;
    return this.#heeded({ name: parsed.name, value: { text: parsed.text, shape: value, splits: false } });
  }

  /** Some variables make programs run or load what they hold. */
  #heeded(assignment: Assignment): Assignment {
    const { name, value } = assignment;
    if (LOADED_VARIABLES.test(name)) this.unseen(`${name} makes programs load code`);
    if (RUN_VARIABLES.test(name)) this.code(value, name);
    return assignment;
  }

  #redirection(parsed: ParsedRedirection): Redirection {
    const descriptor = parsed.descriptor?.type === "FileDescriptor" ? parsed.descriptor.value : undefined;
    const target =
      parsed.type === "HereDoc" || parsed.target === undefined ? undefined : readWord(parsed.target, this.#trusted);
    if (target !== undefined && /^\/dev\/(?:tcp|udp)\//.test(target.shape)) this.unseen("a connection to a host");
    return { operator: parsed.operator, descriptor, target };
  }

  #command(words: readonly Word[], around: Surroundings): void {
    this.#words += words.length;
    if (this.#commands.length >= MAX_COMMANDS || this.#words > MAX_WORDS) throw new TooMuch("it has too many commands");
    const index = this.#commands.length;
    const command: Command = {
      words,
      assignments: around.assignments,
      redirects: around.redirects,
      via: this.#via,
      certain: this.#certain,
      mayRunArguments: false,
      opaque: [],
    };
    this.#commands.push(command);
    const [program] = words;
    if (program === undefined) return;
    const name = programName(program);
    if (name === undefined) return this.unseen("the name of a program is not in the text");
    const known = knownAs(name);
    if (isOtherDialect(name, words)) this.unseen("this looks like another shell's language");
    const launch = launcherOf(known) ?? builtinLauncher(known);
    const own = launch?.({ name: known, words, input: around.input }, this);
    const mayRunArguments = own === undefined ? !takesDataOnly(known) : own.mayRunArguments === true;
    const understood = {
      ...command,
      words: own?.words ?? words,
      assignments: [
        ...around.assignments,
        ...(own?.assignments ?? []).map((word) => this.#heeded(readAssignmentWord(word))),
      ],
      opaque: own?.opaque ?? [],
      mayRunArguments,
    };
    this.#commands[index] = understood;
    this.#guessValues(understood, known);
    if (mayRunArguments) this.#guessArguments(own, words, known);
  }

  /** Options of known programs by which they run another one. */
  #guessValues(command: Command, known: string): void {
    const { runs, globals } = knowledgeOf(known);
    if (runs === undefined && globals === undefined) return;
    const { flags, knowledge } = anatomyOf(command);
    if (knowledge.runs === undefined) return;
    for (const { name, value } of flags) {
      if (value === undefined || !hasOrAbbreviates(knowledge.runs, name)) continue;
      this.guess(value, known);
      // `--checkpoint-action=exec=…`
      this.guess({ ...value, shape: value.shape.slice(value.shape.indexOf("=") + 1) }, known);
    }
  }

  /** Of a program that nobody knows, the arguments may be a command, or one of them code. */
  #guessArguments(own: OwnPart | undefined, words: readonly Word[], via: string): void {
    for (const word of (own?.words ?? words).slice(1)) {
      this.guess(word, via);
      // `--exec=…`, `--option=pre-invoke=…`
      const { shape } = word;
      const signs = new Set([shape.indexOf("="), shape.lastIndexOf("=")]);
      for (const sign of signs) if (sign !== -1) this.guess({ ...word, shape: shape.slice(sign + 1) }, via);
    }
    const at = words.findIndex((word, index) => {
      const name = index === 0 || word.shape.startsWith("-") ? undefined : programName(word);
      return name !== undefined && launcherOf(knownAs(name)) !== undefined;
    });
    if (at === -1 || !this.#certain) return;
    this.#certain = false;
    try {
      this.run(words.slice(at), via);
    } finally {
      this.#certain = true;
    }
  }
}

function readAssignmentWord({ text, shape }: Word): Assignment {
  const at = shape.indexOf("=");
  return { name: shape.slice(0, at), value: { text, shape: shape.slice(at + 1), splits: false } };
}
