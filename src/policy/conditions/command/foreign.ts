/** Programs that take code of another language, or have commands of their own that run others. */

import { readArguments } from "./arguments.ts";
import type { Launcher, Launches } from "./launching.ts";
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
const HARMLESS = /^(?:--version|-V|-v|--help|-h)$/;
/** Programs that run what they read, later or elsewhere. */
const RUN_INPUT = new Set("at batch crontab ed".split(" "));

const interpreter: Launcher = ({ name, words, input }, launches) => {
  const rest = words.slice(1);
  if (rest.length > 0 && rest.every(({ shape }) => HARMLESS.test(shape))) return { words };
  const inline = INLINE[name];
  const hasCode = rest.some(({ shape }) => shape.startsWith(HOLE) || inline?.test(shape) === true);
  const runsInput = rest.every(({ shape }) => shape === "-" || shape.startsWith("-")) && input.kind !== "unknown";
  if (hasCode || runsInput || rest.some(({ shape }) => shape === "-"))
    launches.unseen(`${name} runs code in its own language`);
  if (rest.length === 0) launches.unseen(`${name} runs what it reads`);
  if (name === "vim")
    for (const word of rest) launches.guess({ ...word, shape: word.shape.replace(/^\+?:?!/, "") }, name);
  return { words, opaque: [`${name} runs code that is not in the text`] };
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

/** Package runners and container tools: what follows these words is a command. */
const LAUNCHING = /^(?:exec|x|run|dlx|execute|debug)$/;
const LAUNCHERS = new Set(
  `npm pnpm yarn bun docker kubectl oc mise asdf poetry uv pipenv conda bundle nix vagrant lxc machinectl nix-shell direnv rbenv
  pyenv nodenv volta rustup cargo heroku fly flyctl aws gcloud helm docker-compose podman-compose devcontainer turbo nx lerna
  rush hatch pdm rye pixi`.split(/\s+/),
);
const launcher: Launcher = ({ name, words }, launches) => {
  const verb = words.findIndex(({ shape }, index) => index > 0 && LAUNCHING.test(shape));
  if (verb === -1) return { words };
  const end = words.findIndex(({ shape }, index) => index > verb && shape === "--");
  if (end !== -1 && end + 1 < words.length) {
    launches.run(words.slice(end + 1), `${name} ${words[verb]?.shape ?? ""}`);
    return { words: words.slice(0, end + 1), mayRunArguments: true };
  }
  const runsOthers =
    words[verb]?.shape !== "run" ||
    /^(?:docker|kubectl|oc|uv|poetry|pipenv|conda|nix|mise|hatch|pdm|rye|pixi|docker-compose|podman-compose|bundle|lxc)$/.test(
      name,
    );
  if (!runsOthers) return { words };
  for (const word of words.slice(verb + 1)) guessText(word, name, launches);
  return { words, opaque: [`${name} runs a command among its arguments`], mayRunArguments: true };
};

function guessText(word: Word, name: string, launches: Launches): void {
  if (/\s/.test(word.shape)) launches.guess(word, name);
}

const OWN: Readonly<Record<string, Launcher>> = { awk, sed, jq, psql: sqlClient, mysql: sqlClient, sqlite3: sqlClient };

/** The launcher of such a program; `undefined` for all others. */
export function foreignLauncher(name: string): Launcher | undefined {
  if (Object.hasOwn(OWN, name)) return OWN[name];
  if (RUN_INPUT.has(name)) return scheduler;
  if (Object.hasOwn(INLINE, name)) return interpreter;
  if (REMOVES.has(name)) return removes;
  return LAUNCHERS.has(name) ? launcher : undefined;
}
