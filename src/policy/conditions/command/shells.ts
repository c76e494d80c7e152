/** Shells, and the builtins that read text as code. */

import { hidesCode } from "./evaluated.ts";
import type { Launcher, Launches } from "./launching.ts";
import { assignmentsOf, namesGivenTo } from "./printf.ts";
import { literalOf, mayBecomeFlag, type Word } from "./word.ts";

const KIN = "sh bash dash ash ksh mksh zsh yash rbash posh".split(" ");
/** Shells whose language is another. */
const OTHER = "fish csh tcsh powershell pwsh cmd elvish nu xonsh rc es".split(" ");
const VALUES = new Set(["-o", "+o", "-O", "+O", "--rcfile", "--init-file"]);

/** `sh`, `bash` and their kin: code after `-c`, a file, or whatever they read. */
const shell: Launcher = ({ name, words, input }, launches) => {
  let wantsCode = false;
  let readsInput = false;
  let at = 1;
  for (; at < words.length; at += 1) {
    const word = words[at];
    const value = word === undefined ? undefined : literalOf(word);
    if (word === undefined || value === undefined) break;
    if (value === "--" || value === "-") {
      at += 1;
      break;
    }
    if (!/^[-+]./.test(value)) break;
    if (value === "--version" || value === "--help") return { words };
    if (VALUES.has(value)) {
      if (value.startsWith("--")) launches.unseen(`${name} reads a file of commands`);
      at += 1;
    } else if (!value.startsWith("--")) {
      wantsCode ||= value.startsWith("-") && value.includes("c");
      readsInput ||= value.includes("s");
      // In a cluster: `-eo pipefail`.
      if (value.endsWith("o")) at += 1;
    }
  }
  const first = words[at];
  if (first !== undefined && (wantsCode || !readsInput)) {
    if (mayBecomeFlag(first)) launches.unseen(`${name} gets options that are not in the text`);
    if (wantsCode) launches.code(first, name);
    else launches.unseen(`${name} runs a file of commands`);
  } else if (input.kind === "text") launches.code(input.text, name);
  else launches.unseen(`${name} runs what it reads`);
  return { words };
};

const otherShell: Launcher = ({ name, words }, launches) => {
  launches.unseen(`${name} has a language of its own`);
  launches.guess(joined(words.slice(1)), name);
  return { words };
};

/** `eval`, `alias`, `trap`, `source` and the rest that read text as code, or arrange that it is. */
const BUILTINS: Readonly<Record<string, Launcher>> = {
  eval: ({ words }, launches) => {
    const rest = words[1]?.shape === "--" ? words.slice(2) : words.slice(1);
    if (rest.length > 0) launches.code(joined(rest), "eval");
    return { words: words.slice(0, 1) };
  },
  alias: ({ words }, launches) => {
    for (const word of words.slice(1)) {
      const value = word.shape.slice(word.shape.indexOf("=") + 1);
      if (word.shape.includes("=")) launches.code({ ...word, shape: value }, "alias");
    }
    return { words };
  },
  trap: ({ words }, launches) => {
    const rest = words.slice(words[1]?.shape === "--" ? 2 : 1);
    const [action] = rest;
    if (action !== undefined && rest.length > 1 && !action.shape.startsWith("-")) launches.code(action, "trap");
    return { words };
  },
  source: ({ words }, launches) => {
    launches.unseen("a file of commands is read");
    return { words };
  },
  enable: loads,
  bind: loads,
  complete: loads,
  compgen: loads,
  fc: loads,
  hash: aims,
  mapfile: evaluates,
  readarray: evaluates,
  let: evaluates,
  read: evaluates,
  getopts: evaluates,
  wait: evaluates,
  unset: evaluates,
  declare: evaluates,
  typeset: evaluates,
  local: evaluates,
  export: evaluates,
  readonly: evaluates,
  test: evaluates,
  "[": evaluates,
  printf: (call, launches) => {
    evaluates({ ...call, words: namesGivenTo(call.words) }, launches);
    return { words: call.words, opaque: assignmentsOf(call.words) };
  },
};

/** Shells, by the name the program is known as. */
export const SHELLS: Readonly<Record<string, Launcher>> = Object.fromEntries([
  ...KIN.map((name) => [name, shell] as const),
  ...OTHER.map((name) => [name, otherShell] as const),
]);

/** The launcher of a builtin that reads code, which only a shell itself can run; `undefined` for all others. */
export function builtinLauncher(name: string): Launcher | undefined {
  if (name === ".") return BUILTINS["source"];
  return Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
}

/** Whether {@link printedBy} knows what the program prints. */
export function prints(name: string): boolean {
  return name === "echo" || name === "printf";
}

/** What `echo` and `printf` print, when the text tells exactly. */
export function printedBy(name: string, words: readonly Word[]): Word | undefined {
  const rest = words.slice(1);
  if (rest.some((word) => word.splits)) return undefined;
  if (name === "echo") {
    while (/^-[neE]+$/.test(rest[0]?.shape ?? "")) rest.shift();
    const printed = joined(rest);
    return printed.shape.includes("\\") ? undefined : printed;
  }
  const [format, ...values] = rest;
  if (name !== "printf" || format === undefined || format.shape.startsWith("-")) return undefined;
  if (values.length > 0) return /^%s(?:\\n)?$/.test(format.shape) ? joined(values, "\n") : undefined;
  const shape = format.shape.replaceAll("\\n", "\n");
  return /[%\\]/.test(shape) ? undefined : { ...format, shape };
}

function joined(words: readonly Word[], separator = " "): Word {
  const shape = words.map((word) => word.shape).join(separator);
  return { text: shape, shape, splits: words.some((word) => word.splits) };
}

function loads(...[{ name, words }, launches]: Parameters<Launcher>): ReturnType<Launcher> {
  launches.unseen(`${name} loads or arranges code`);
  for (const word of words.slice(1)) launches.guess(word, name);
  return { words };
}

/** `hash -p /bin/rm ls` makes one name run another program. */
function aims(...[{ words }, launches]: Parameters<Launcher>): ReturnType<Launcher> {
  if (words.some(({ shape }) => /^-\w*p/.test(shape))) launches.unseen("hash changes what a name runs");
  return { words };
}

/** Builtins that evaluate the subscripts of the variables they are given: `read 'a[$(id)]'` runs `id`. */
function evaluates(...[{ name, words }, launches]: Parameters<Launcher>): ReturnType<Launcher> {
  for (const word of words.slice(1)) if (hidesCode(word.shape)) launches.unseen(`${name} evaluates what it is given`);
  if (/^(?:mapfile|readarray)$/.test(name)) callback(words, launches);
  return { words };
}

function callback(words: readonly Word[], launches: Launches): void {
  const at = words.findIndex((word) => word.shape.startsWith("-C"));
  const code = words[at + 1];
  if (at !== -1 && code !== undefined) launches.code(code, "mapfile");
}
