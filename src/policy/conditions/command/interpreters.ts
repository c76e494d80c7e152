/** Programs that run code of another language, and those that run what they read. */

import type { Input } from "./input.ts";
import type { Launcher, Launches } from "./launching.ts";
import { HOLE, type Word } from "./word.ts";

/** Options after which interpreters take code. */
const INLINE: Readonly<Record<string, RegExp>> = {
  python: /^-[a-zA-Z]*c/,
  pypy: /^-[a-zA-Z]*c/,
  perl: /^-[a-zA-Z0-9]*[eEnpM]/,
  ruby: /^-[a-zA-Z0-9]*[enpr]/,
  node: /^(?:-[a-z]*[epr]|--eval|--print|--require|--import|--loader|--experimental-loader|--inspect)/,
  bun: /^(?:-e|-p|--eval|--print|-r|--preload)/,
  deno: /^eval$/,
  php: /^-[a-zA-Z]*[rBRFEd]/,
  lua: /^-[a-z]*[el]/,
  luajit: /^-[a-z]*[el]/,
  r: /^-e/,
  rscript: /^-e/,
  osascript: /^-e/,
  tclsh: /^$/,
  expect: /^-c/,
  julia: /^-[eE]/,
  groovy: /^-e/,
  scala: /^-e/,
  elixir: /^-e/,
  iex: /^-e/,
  erl: /^-(?:eval|run|s)$/,
  ghc: /^-e/,
  runghc: /^$/,
  guile: /^-c/,
  racket: /^-e/,
  sbcl: /^--eval/,
  emacs: /^-{1,2}(?:eval|execute|f|funcall|l|load|batch|script)/,
  vim: /^(?:-c|--cmd|\+.|-[es]|-S|-u|-w|-W)/,
  gdb: /^-{1,2}(?:ex|eval-command|x|command|iex|ix|batch)/,
  lldb: /^-{1,2}(?:o|s|batch|one-line|source)/,
  m4: /^$/,
  dc: /^-e/,
};
/** What they read without arguments is a person's typing, unless the text says what it is. */
const EDITORS = new Set(["emacs", "vim"]);
const HARMLESS = /^(?:--version|-V|--help|-h)$/;
/** Whose `-v` is their version; for others it is a louder run of what they read. */
const SHORT_VERSION = new Set(["node", "bun", "perl", "php", "ruby", "lua", "luajit"]);
/** Which take no such option, and then run what they read. */
const WITHOUT_HELP = new Set(["tclsh", "dc"]);

const interpreter: Launcher = ({ name, words, input }, launches) => {
  const rest = words.slice(1);
  const isHarmless = ({ shape }: Word): boolean => HARMLESS.test(shape) || (shape === "-v" && SHORT_VERSION.has(name));
  if (rest.length > 0 && !WITHOUT_HELP.has(name) && rest.every(isHarmless)) return { words };
  const inline = INLINE[name];
  const hasCode = rest.some(({ shape }) => shape.startsWith(HOLE) || inline?.test(shape) === true);
  const runsInput = rest.every(({ shape }) => shape === "-" || shape.startsWith("-")) && input.kind !== "unknown";
  if (hasCode || runsInput || rest.some(({ shape }) => shape === "-"))
    launches.unseen(`${name} runs code in its own language`);
  const readsKeys = EDITORS.has(name) && input.kind === "text";
  if (readsKeys || (rest.length === 0 && !EDITORS.has(name))) launches.unseen(`${name} runs what it reads`);
  if (name === "vim")
    for (const word of rest) launches.guess({ ...word, shape: word.shape.replace(/^\+?:?!/, "") }, name);
  return { words, opaque: [`${name} runs code that is not in the text`], mayRunArguments: true };
};

/** `at`, `batch`, `crontab` and `ed` run what they read. */
const scheduler: Launcher = ({ name, words, input }, launches) => {
  if (name === "ed") leavesToShell(words, input, launches);
  if (words.slice(1).some(({ shape }) => /^-[lrV]/.test(shape))) return { words };
  if (input.kind === "text") launches.code(input.text, name);
  else launches.unseen(`${name} runs what it reads`);
  return { words };
};

/** What stands behind a `!` is run: `!rm x`, `r !rm x`, and a name of a file that begins so. */
function leavesToShell(words: readonly Word[], input: Input, launches: Launches): void {
  for (const word of words.slice(1))
    if (word.shape.startsWith("!")) launches.code({ ...word, shape: word.shape.slice(1) }, "ed");
  if (input.kind === "text" && /[!\0]/.test(input.text.shape)) launches.unseen("ed runs another program");
}

/** By the name the program is known as. */
export const INTERPRETERS: Readonly<Record<string, Launcher>> = {
  ...Object.fromEntries(Object.keys(INLINE).map((name) => [name, interpreter])),
  at: scheduler,
  batch: scheduler,
  crontab: scheduler,
  ed: scheduler,
};
