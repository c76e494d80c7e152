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
import type { Assignment, Command, Redirection, Script } from "./command.ts";
import { find } from "./find.ts";
import { foreignLauncher } from "./foreign.ts";
import { git } from "./git.ts";
import type { Input, Launcher, Launches, OwnPart } from "./launching.ts";
import { knownAs, programName } from "./names.ts";
import { loadParser } from "./parser.ts";
import { takesDataOnly } from "./programs.ts";
import { builtinLauncher, hidesCode, printedBy, shellLauncher } from "./shells.ts";
import { HOLE, leavesDirectoriesAlone, literalWord, readWord, type Word } from "./word.ts";
import { isWrapper, wrapper } from "./wrappers.ts";

/** Longest script that is read, in UTF-16 code units. */
const MAX_LENGTH = 8_192;
/** How deep commands may lie in one another, and brackets in a script. */
const MAX_NESTING = 32;
/** Most commands of one script, and most words of all of them, counted again where one command runs another. */
const MAX_COMMANDS = 512;
const MAX_WORDS = 8_192;
/** Longest text of all the code in one script, that of nested scripts counted again. */
const MAX_READ = 4 * MAX_LENGTH;

const UNKNOWN_INPUT: Input = { kind: "unknown" };
/** All other control characters end or change a text on its way to the shell. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

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
  else if (words.some((word) => CONTROL.test(word))) reader.unseen("a control character");
  else reader.attempt(() => reader.run(words.map(literalWord), undefined));
  return reader.script(text);
}

const TOO_LONG = `longer than ${MAX_LENGTH} characters`;

/** What is known where a command stands. */
interface Surroundings {
  readonly input: Input;
  readonly assignments: readonly Assignment[];
  readonly redirects: readonly Redirection[];
}

const NOTHING_AROUND: Surroundings = { input: UNKNOWN_INPUT, assignments: [], redirects: [] };

class ScriptReader implements Launches {
  readonly #commands: Command[] = [];
  readonly #unseen: Set<string> = new Set();
  readonly #undecidable: Set<string> = new Set();
  setsVariables = false;
  /** Whether expansions of directories are what they always are. */
  #trusted = true;
  #certain = true;
  /** While text is read of which it is not known whether it is code. */
  #guessing = false;
  #depth = 0;
  #read = 0;
  #words = 0;
  #via: string | undefined;

  script(text: string): Script {
    return { text, commands: this.#commands, unseen: [...this.#unseen], undecidable: [...this.#undecidable] };
  }

  top(text: string): void {
    if (text.length > MAX_LENGTH) return this.unseen(TOO_LONG);
    if (CONTROL.test(text)) return this.unseen("a control character");
    this.#trusted = leavesDirectoriesAlone(text);
    this.setsVariables =
      /[A-Za-z_]\w*\+?=|\b(?:read|set|export|declare|local|typeset|mapfile|readarray|getopts|for|select)\b/.test(text);
    this.attempt(() => this.#source(text));
  }

  /** What fails has understood nothing. */
  attempt(step: () => void): void {
    try {
      step();
    } catch {
      this.#unseen.add("it could not be read");
    }
  }

  unseen(why: string): void {
    if (!this.#guessing) this.#unseen.add(why);
  }

  code(text: Word, via: string): void {
    const { shape } = text;
    if (shape.includes(HOLE) || text.splits) this.unseen(`${via} runs code that is not all in the text`);
    this.#inside(via, () => this.#source(shape.replaceAll(HOLE, "${_}")));
  }

  guess(text: Word, via: string): void {
    const { shape } = text;
    // One bare word has nothing in it that could be told apart from a name.
    if (!/[\s;&|$`{}<>]/.test(shape) || this.#guessing) return;
    const before = [this.#guessing, this.#certain] as const;
    [this.#guessing, this.#certain] = [true, false];
    try {
      this.#inside(via, () => this.#source(shape.replaceAll(HOLE, "${_}")));
    } finally {
      [this.#guessing, this.#certain] = before;
    }
  }

  run(words: readonly Word[], via: string | undefined, input: Input = UNKNOWN_INPUT): void {
    this.#inside(via, () => this.#command(words, { ...NOTHING_AROUND, input }));
  }

  #inside(via: string | undefined, step: () => void): void {
    if (this.#depth >= MAX_NESTING) return this.unseen(`nested more than ${MAX_NESTING} deep`);
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
    if (this.#read > MAX_READ) {
      this.#unseen.add("it has too much code inside code");
      return;
    }
    if (nesting(text) > MAX_NESTING) return this.unseen(`nested more than ${MAX_NESTING} deep`);
    const script = loadParser().parse(text);
    if (!agrees(text, script, this.#trusted) && !this.#guessing) {
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
    else if (node.type === "ArithmeticWord" && hidesCode(node.value)) {
      this.unseen("arithmetic runs what is in a subscript");
    }
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
    for (const command of commands) {
      if (command.type === "Command") this.#parsed(command, input);
      else this.#visit(command);
      input = command.type === "Command" ? this.#outputOf(command) : UNKNOWN_INPUT;
    }
  }

  #outputOf(command: ParsedCommand): Input {
    const words = this.#wordsOf(command);
    const name = words[0] === undefined ? undefined : programName(words[0]);
    if (name === undefined || command.prefix.length > 0 || command.redirects.length > 0) return UNKNOWN_INPUT;
    if (knownAs(name) === "find") return { kind: "paths" };
    const text = printedBy(name, words);
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
    // Also when guessing, since a guess that is given up may be the one that is right.
    if (this.#commands.length >= MAX_COMMANDS || this.#words > MAX_WORDS) {
      this.#unseen.add("it has too many commands");
      return;
    }
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
    for (const word of (own?.words ?? words).slice(1)) this.guess(word, via);
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

/** Variables by which programs load code. */
const LOADED_VARIABLES = /^(?:BASH_ENV|LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES)$/;
/** Variables whose value other programs run. */
const RUN_VARIABLES =
  /PAGER$|EDITOR$|COMMAND$|VISUAL$|BROWSER$|ASKPASS$|^GIT_(?:SSH|EXTERNAL_DIFF)$|^LESS(?:OPEN|CLOSE)$/;

function launcherOf(known: string): Launcher | undefined {
  if (known === "git") return git;
  if (known === "find") return find;
  if (isWrapper(known)) return wrapper;
  return shellLauncher(known) ?? foreignLauncher(known);
}

function readAssignmentWord({ text, shape }: Word): Assignment {
  const at = shape.indexOf("=");
  return { name: shape.slice(0, at), value: { text, shape: shape.slice(at + 1), splits: false } };
}

function inputFrom(parsed: ParsedRedirection, { target }: Redirection): Input | undefined {
  if (parsed.type === "HereString") return target === undefined ? UNKNOWN_INPUT : { kind: "text", text: target };
  if (parsed.type === "HereDoc") {
    const { text, parts } = parsed.body;
    const isPlain = parsed.delimiter?.quoted === true || parts === undefined || !/[$`\\]/.test(text);
    return isPlain
      ? { kind: "text", text: literalWord(text) }
      : { kind: "text", text: { text, shape: expanded(text), splits: false } };
  }
  return parsed.operator.startsWith("<") ? UNKNOWN_INPUT : undefined;
}

/** A here-document whose expansions are not known: what is not part of one is still read. */
function expanded(text: string): string {
  return `${HOLE}\n${text}`;
}

/** Cmdlets of PowerShell (`Remove-Item`), and options of `cmd.exe` (`rd /s /q`). */
function isOtherDialect(name: string, words: readonly Word[]): boolean {
  if (/^[A-Z][a-z]+-[A-Z][A-Za-z]+$/.test(name) || name === "%") return true;
  if (/^(?:rd|rmdir|del|erase|format|deltree)$/i.test(name)) return words.some(({ shape }) => /^\/[a-z]$/i.test(shape));
  return words.some(
    ({ shape }) =>
      /^-(?:Recurse|Force|ItemType|LiteralPath|ScriptBlock|EncodedCommand)$/i.test(shape) && !/^-f$/i.test(shape),
  );
}

/** How deep brackets of any kind lie in one another, at most; quotes are not heeded. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let backticks = 0;
  for (const char of text) {
    if (char === "(" || char === "{" || char === "[") deepest = Math.max(deepest, (depth += 1));
    else if (char === ")" || char === "}" || char === "]") depth = Math.max(0, depth - 1);
    else if (char === "`") backticks += 1;
  }
  return Math.max(deepest, backticks > 2 * MAX_NESTING ? backticks : 0);
}
