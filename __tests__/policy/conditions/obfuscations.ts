/** Recursive deletes in disguise: made from a seed, by composing the ways in which a shell lets one command be written. */

/** Random choices that a seed decides. */
export interface Choices {
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  /** Whether something happens that does so in `percent` of all cases. */
  readonly chance: (percent: number) => boolean;
}

/** Choices by mulberry32, a public-domain generator of Tommy Ettinger's. */
export function choicesFrom(seed: number): Choices {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
  return {
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    chance: (percent) => below(100) < percent,
  };
}

type Disguise = (text: string, choices: Choices) => string;

/** One recursive delete in disguise. */
export function obfuscation(choices: Choices): string {
  const { chance, pick, below } = choices;
  let text = command(choices);
  for (let layers = below(4); layers > 0; layers -= 1) text = pick(LAYERS)(text, choices);
  if (chance(10)) text = pick(UNICODE)(text, choices);
  return text;
}

const TARGETS = ["/srv/data", "/", "..", "data", "./x y", "/var/lib/postgresql", "~/project", "a b"];
const PROGRAMS = [
  "rm",
  "rm",
  "rm",
  "/bin/rm",
  "/usr/bin/rm",
  "//bin//rm",
  "../../bin/rm",
  "busybox rm",
  "toybox rm",
  "RM",
  "grm",
];
const FLAGS: readonly (readonly string[])[] = [
  ["-rf"],
  ["-fr"],
  ["-r"],
  ["-R"],
  ["-Rf"],
  ["-r", "-f"],
  ["-f", "-R"],
  ["-rdvf"],
  ["--recursive"],
  ["--recursive", "--force"],
  ["--rec", "--forc"],
  ["--r", "-f"],
  ["-v", "-r"],
  ["-I", "-rf"],
  ["--no-preserve-root", "-rf"],
];

/** `rm -rf x`, its words disguised one by one, in one of the orders that the program takes. */
function command(choices: Choices): string {
  const { pick, chance } = choices;
  const target = pick(TARGETS);
  const quoted = /[\s]/.test(target) ? `'${target}'` : target;
  const flags = pick(FLAGS).map((flag) => word(flag, choices));
  const [first = "", ...more] = pick(PROGRAMS).split(" ");
  const program = [first, ...more].map((each) => word(each, choices)).join(" ");
  const rest = chance(20) ? [quoted, ...flags] : [...flags, ...(chance(10) ? ["--"] : []), quoted];
  const gap = (): string => (chance(85) ? " " : pick(["\t", "  ", " \\\n ", " \\\n", " >/dev/null ", " 2>&1 "]));
  const line = rest.reduce((all, each) => `${all}${gap()}${each}`, program);
  return chance(8) ? `${line} # done` : line;
}

/** One word in quotes, escapes, variables or patterns that come to the same. */
function word(text: string, choices: Choices): string {
  return choices.chance(45) ? text : choices.pick(WORDS)(text, choices);
}

const code = (char: string): number => char.codePointAt(0) ?? 0;
const each = (text: string, change: (char: string) => string): string => Array.from(text).map(change).join("");
const single = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const double = (text: string): string => `"${text.replaceAll(/[$`"\\]/g, "\\$&")}"`;

const WORDS: readonly Disguise[] = [
  (text) => `'${text}'`,
  (text) => `"${text}"`,
  (text, { chance }) => each(text, (char) => (chance(40) ? `\\${char}` : char)),
  (text, { chance, pick }) => each(text, (char) => (chance(40) ? `${pick(["''", '""'])}${char}` : char)),
  (text, { chance, pick }) =>
    each(text, (char) => (chance(40) ? `${pick(["'", '"'])}${char}`.replace(/^(.)(.)$/, "$1$2$1") : char)),
  (text) => `$'${each(text, (char) => `\\x${code(char).toString(16)}`)}'`,
  (text) => `$'${each(text, (char) => `\\${code(char).toString(8).padStart(3, "0")}`)}'`,
  (text) => `$'${each(text, (char) => `\\u${code(char).toString(16).padStart(4, "0")}`)}'`,
  (text) => `$"${text}"`,
  (text, { below }) => insert(text, below(text.length), "\\\n"),
  (text, { below, pick }) =>
    insert(text, 1 + below(text.length), pick(["$@", "$*", "${u}", "$u", '"$u"', "${u:-}", "$()", "``"])),
  (text) => `$(echo ${text})`,
  (text) => `"$(printf '%s' ${text})"`,
  (text) => `\`echo ${text}\``,
  (text) => `\${u:-${text}}`,
  (text) => `\${u-'${text}'}`,
  (text, { below }) => insert(text, below(text.length), "{,}"),
  (text) => (text.startsWith("-") ? `-{${text.slice(1)},v}` : `{${text},-v}`),
  (text) => text.replace(/.$/, (char) => `[${char}]`),
  (text) => (text.startsWith("-") ? text : text.replace(/.$/, "?")),
];

function insert(text: string, at: number, what: string): string {
  return text.slice(0, at) + what + text.slice(at);
}

const WRAPPERS = [
  "sudo",
  "sudo -n",
  "sudo -u root --",
  "sudo -E",
  "doas",
  "doas -u root",
  "env",
  "env -i",
  "env A=1",
  "env -u HOME",
  "nice",
  "nice -n 5",
  "nohup",
  "timeout 5",
  "timeout -s KILL 1m",
  "command",
  "command -p",
  "exec",
  "exec -a ls",
  "busybox nice",
  "setsid",
  "setsid -w",
  "stdbuf -oL",
  "ionice -c 3",
  "time",
  "/usr/bin/time -v",
  "strace -f",
  "flock /tmp/l",
  "taskset -c 0",
  "chroot /",
  "watch -n 1",
  "systemd-run --user",
  "firejail --quiet",
  "chronic",
  "unbuffer",
  "fakeroot",
  "gosu root",
  "su-exec root",
  "tini --",
  "dotenv -e x",
  "npx",
  "npm exec --",
  "pnpm exec",
  "mise exec --",
  "uv run",
  "poetry run",
  "docker run --rm alpine",
  "docker exec -it web",
  "kubectl exec web --",
  "ssh host",
  "ssh -p 22 root@host --",
  "xargs",
  "xargs -0",
  "find . -exec",
  "parallel",
  "entr -r",
  "A=1",
  "LC_ALL=C B=2",
  "!",
  "coproc",
  "echo | xargs",
];
const SHELLS = [
  "sh",
  "bash",
  "/bin/sh",
  "dash",
  "zsh",
  "ksh",
  "sudo sh",
  "env bash",
  "busybox sh",
  "bash --norc",
  "bash -e",
  "bash -o pipefail",
];
const HARMLESS = [
  "true",
  "ls",
  "cat README.md",
  "grep -rn TODO src",
  "git status",
  "cd /srv",
  "echo ok",
  "x=1",
  ": ",
  "[ -f a ]",
];
const READERS = [
  "ls",
  "cat",
  "grep x",
  "git log",
  "git diff",
  "echo",
  "head -n 1",
  "wc -l",
  "printf %s",
  "sort",
  "find .",
];
const isPlain = (text: string): boolean => !text.includes("\n") && !text.includes("#");
const wrap: Disguise = (text, { pick }) => {
  const wrapper = pick(WRAPPERS);
  return `${wrapper} ${text}${wrapper.endsWith("-exec") ? " \\;" : ""}`;
};

/** A command inside or beside others. */
const LAYERS: readonly Disguise[] = [
  (text, choices) =>
    /^[\w/'"\\$]/.test(text) && isPlain(text) && !/[;&|(){}]/.test(text) ? wrap(text, choices) : `{ ${text}\n}`,
  (text, { pick }) => `${pick(SHELLS)} -c ${pick([single, double])(text)}`,
  (text, { pick }) => `${pick(SHELLS)} -c${pick(["", " --"])} ${single(text)} _ a`,
  (text) => `eval ${single(text)}`,
  (text, { pick }) => `${pick(HARMLESS)}${pick([";", " ; ", "\n", " && ", " || ", " | ", " & "])}${text}`,
  (text, { pick }) => `${text}\n${pick(HARMLESS)}`,
  (text) => `(${text}\n)`,
  (text) => `{ ${text}\n}`,
  (text) => `if true; then ${text}\nfi`,
  (text) => `while :; do ${text}\nbreak; done`,
  (text) => `for i in 1 2; do ${text}\ndone`,
  (text) => `case x in *) ${text}\n;; esac`,
  (text) => `f() { ${text}\n}; f`,
  (text, { pick }) => `${pick(READERS)} $(${text}\n)`,
  (text, { pick }) => `${pick(READERS)} "$(${text}\n)"`,
  (text, { pick }) => `${pick(READERS)} <(${text}\n)`,
  (text, { pick }) => `${pick(READERS)} > >(${text}\n)`,
  (text, { pick }) => `${pick(READERS)} \${x:-$(${text}\n)}`,
  (text, { pick }) => `${pick(READERS)} $(( $(${text}\n) + 1 ))`,
  (text, { pick }) => (text.includes("`") ? `$(${text}\n)` : `${pick(READERS)} \`${text.replaceAll("\\", "\\\\")}\``),
  (text) => `x=$(${text}\n)`,
  (text) => `[[ -n $(${text}\n) ]]`,
  (text) => `sh <<'END'\n${text}\nEND`,
  (text) => `bash <<< ${single(text)}`,
  (text) => `cat <<'END' | sh\n${text}\nEND`,
  (text, { pick }) => `${pick(["echo", "printf '%s\\n'", "printf %s", "echo -n"])} ${single(text)} | ${pick(SHELLS)}`,
  (text, { pick }) => `echo ${Buffer.from(text).toString("base64")} | base64 -d | ${pick(SHELLS)}`,
  (text) => `eval "$(echo ${Buffer.from(text).toString("base64")} | base64 --decode)"`,
  (text) => `trap ${single(text)} EXIT`,
  (text) => `alias z=${single(text)}; z`,
  (text) => `git -c alias.z=${single(`!${text}`)} z`,
  (text) => `find . -exec sh -c ${single(text)} \\;`,
  (text) => `ls | xargs -I{} sh -c ${single(text)}`,
  (text) => `x=${single(text)}; eval "$x"`,
  (text) => `x=${single(text)}; sh -c "$x"`,
  (text) => `python3 -c ${single(`import os; os.system(${JSON.stringify(text)})`)}`,
  (text) => `perl -e ${single(`system(${JSON.stringify(text)})`)}`,
  (text) => `awk ${single(`BEGIN{system(${JSON.stringify(text)})}`)}`,
  (text) => `git submodule foreach ${single(text)}`,
  (text) => `PAGER=${single(text)} git log`,
  (text) => `ssh host ${single(text)}`,
  (text) => `watch ${single(text)}`,
  (text) => `su -c ${single(text)}`,
  (text) => `flock /tmp/l -c ${single(text)}`,
];

/** The same in characters that look alike, or cannot be seen. */
const UNICODE: readonly Disguise[] = [
  (text) => text.replace(/rm/g, "ｒｍ"),
  (text) => text.replace(/rm/g, "r\u200bm"),
  (text) => text.replace(/rm/g, "r\u00adm"),
  (text) => text.replace(/rm /g, "rm\u00a0"),
  (text) => text.replace(/ -/g, "\u3000-"),
  (text) => text.replace(/-r/g, "－r"),
  (text) => text.replace(/rm/g, "rm\ufe0f"),
  (text) => `\u202e${text}`,
  (text) => `${text}\r`,
  (text) => text.replaceAll("\n", "\r\n"),
];
