/** Programs that take code of another language, or have commands of their own that run others. */

import { readArguments } from "./arguments.ts";
import type { Launcher } from "./launching.ts";
import { knowledgeOf } from "./programs.ts";
import { HOLE, literalOf, type Word } from "./word.ts";

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
  ed: /^$/,
  gdb: /^-{1,2}(?:ex|eval-command|x|command|iex|ix|batch)/,
  lldb: /^-{1,2}(?:o|s|batch|one-line|source)/,
  m4: /^$/,
  dc: /^-e/,
};
/** What they read without arguments is a person's typing. */
const EDITORS = new Set(["emacs", "vim"]);
const HARMLESS = /^(?:--version|-V|--help|-h)$/;
/** Whose `-v` is their version; for others it is a louder run of what they read. */
const SHORT_VERSION = new Set(["node", "bun", "perl", "php", "ruby", "lua", "luajit"]);
/** Which take no such option, and then run what they read. */
const WITHOUT_HELP = new Set(["tclsh", "dc"]);
/** Programs that run what they read, later or elsewhere. */
const RUN_INPUT = new Set("at batch crontab ed".split(" "));

const interpreter: Launcher = ({ name, words, input }, launches) => {
  const rest = words.slice(1);
  const isHarmless = ({ shape }: Word): boolean => HARMLESS.test(shape) || (shape === "-v" && SHORT_VERSION.has(name));
  if (rest.length > 0 && !WITHOUT_HELP.has(name) && rest.every(isHarmless)) return { words };
  const inline = INLINE[name];
  const hasCode = rest.some(({ shape }) => shape.startsWith(HOLE) || inline?.test(shape) === true);
  const runsInput = rest.every(({ shape }) => shape === "-" || shape.startsWith("-")) && input.kind !== "unknown";
  if (hasCode || runsInput || rest.some(({ shape }) => shape === "-"))
    launches.unseen(`${name} runs code in its own language`);
  if (rest.length === 0 && !EDITORS.has(name)) launches.unseen(`${name} runs what it reads`);
  if (name === "vim")
    for (const word of rest) launches.guess({ ...word, shape: word.shape.replace(/^\+?:?!/, "") }, name);
  return { words, opaque: [`${name} runs code that is not in the text`], mayRunArguments: true };
};

/** A pager runs the commands of its own that stand behind `+`. */
const pager: Launcher = ({ name, words }, launches) => {
  const given = words.slice(1).filter(({ shape }) => shape.startsWith("+"));
  for (const word of given) launches.guess({ ...word, shape: word.shape.replace(/^\++!?/, "") }, name);
  return { words, opaque: given.length === 0 ? [] : [`${name} may run a program`] };
};

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

const jq: Launcher = ({ words }) => ({
  words,
  opaque: words
    .slice(1)
    .some(({ shape }) => /\benv\b|\bENV\b|\binclude\b|\bimport\b|\binput_filename\b|\$__loc__/.test(shape))
    ? ["jq reads the environment or other files"]
    : [],
});

/** `date` shows what `+` asks for, and sets the clock to what anything else says. */
const date: Launcher = ({ words }) => {
  const { operands } = readArguments(words.slice(1), knowledgeOf("date"));
  const sets = operands.some((word) => literalOf(word)?.startsWith("+") !== true);
  return { words, opaque: sets ? ["date sets the clock"] : [] };
};

/** Clients of databases have commands that leave to the shell. */
const sqlClient: Launcher = ({ name, words }, launches) => {
  for (const word of words.slice(1)) {
    const escape = /\\!\s*([^]*)|(?:^|[;\n])\s*\.?(?:shell|system|sh)\s+([^]*)|\\copy[^]*program([^]*)/i.exec(
      word.shape,
    );
    if (escape === null) continue;
    launches.unseen(`${name} leaves to a shell`);
  }
  return { words, opaque: [`${name} runs statements`] };
};

/** `at`, `batch` and `crontab` run what they read. */
const scheduler: Launcher = ({ name, words, input }, launches) => {
  if (words.slice(1).some(({ shape }) => /^-[lrV]/.test(shape))) return { words };
  if (input.kind === "text") launches.code(input.text, name);
  else launches.unseen(`${name} runs what it reads`);
  return { words };
};

/** Programs that delete whole trees, as the plain command that does. */
const REMOVES = new Set(["rimraf", "rmtree", "del-cli", "trash"]);
const removes: Launcher = ({ name, words }, launches) => {
  const rest = words.slice(1).filter(({ shape }) => !shape.startsWith("-"));
  launches.run(
    [...["rm", "-r", "-f"].map((value): Word => ({ text: value, shape: value, splits: false })), ...rest],
    name,
  );
  return { words };
};

/** Package runners and container tools: behind one of these words stands a command. */
const VERBS = new Set(["exec", "run", "dlx", "execute", "debug", "ssh"]);
/** Options whose value is one. */
const CODE_OPTION = /^--?(?:c|command|run|exec|cmd|call)(?:=([^]*))?$/;
const LAUNCHERS = new Set(
  `npm pnpm yarn bun docker kubectl oc mise rtx asdf poetry uv pipenv conda mamba bundle nix vagrant lxc incus machinectl nix-shell direnv
  rbenv pyenv nodenv volta rustup heroku fly flyctl aws gcloud docker-compose podman-compose devcontainer turbo lerna rush hatch
  pdm rye pixi minikube`.split(/\s+/),
);
/** Whose `run` runs a script of the project, by its name. */
const RUN_SCRIPTS = new Set(["npm", "pnpm", "yarn", "bun", "turbo", "lerna", "rush"]);

const launcher: Launcher = ({ name, words }, launches) => {
  for (const [index, word] of words.entries()) {
    const option = CODE_OPTION.exec(word.shape);
    const code = option?.[1] === undefined ? words[index + 1] : { ...word, shape: option[1] };
    if (option !== null && code !== undefined) launches.guess(code, name);
  }
  const operands = words.slice(1).filter(({ shape }) => !shape.startsWith("-"));
  const isRunner = operands[0]?.shape === "x" && RUN_SCRIPTS.has(name);
  const verb = isRunner ? operands[0] : operands.slice(0, 3).find(({ shape }) => VERBS.has(shape));
  if (verb === undefined || (verb.shape === "run" && RUN_SCRIPTS.has(name))) return { words };
  const end = words.findIndex(({ shape }) => shape === "--");
  if (end !== -1 && end + 1 < words.length) launches.run(words.slice(end + 1), `${name} ${verb.shape}`);
  return {
    words: words.filter(({ shape }) => shape !== "--"),
    opaque: [`${name} runs a command among its arguments`],
    mayRunArguments: true,
  };
};

/** `make` takes variables whose values its recipes run. */
const make: Launcher = ({ words, input }, launches) => {
  for (const word of words.slice(1)) {
    if (word.shape.includes("="))
      launches.guess({ ...word, shape: word.shape.slice(word.shape.indexOf("=") + 1) }, "make");
  }
  if (input.kind === "text") launches.unseen("make runs what it reads");
  return { words };
};

const OWN: Readonly<Record<string, Launcher>> = {
  awk,
  sed,
  date,
  jq,
  make,
  less: pager,
  more: pager,
  most: pager,
  psql: sqlClient,
  mysql: sqlClient,
  sqlite3: sqlClient,
};

/** The launcher of such a program; `undefined` for all others. */
export function foreignLauncher(name: string): Launcher | undefined {
  if (Object.hasOwn(OWN, name)) return OWN[name];
  if (RUN_INPUT.has(name)) return scheduler;
  if (Object.hasOwn(INLINE, name)) return interpreter;
  if (REMOVES.has(name)) return removes;
  return LAUNCHERS.has(name) ? launcher : undefined;
}
