/** Programs that run the command among their arguments. */

import { has } from "./arguments.ts";
import type { Call, Launcher, Launches, OwnPart } from "./launching.ts";
import { HOLE, literalOf, unknownWords, type Word } from "./word.ts";

/** How a program's own arguments end and a command begins. */
interface Wrapper {
  /** Options that take a value. */
  readonly values?: string;
  /** Options that take none. */
  readonly switches?: string;
  /** Options whose value is shell code. */
  readonly code?: string;
  /** Options with which it runs nothing. */
  readonly idle?: string;
  /** How many operands come before the command. */
  readonly operands?: number;
  /** Whether `NAME=value` may come before the command. */
  readonly assigns?: boolean;
  /** Whether the rest is joined and read by a shell. */
  readonly joins?: boolean;
  /** Why it can't be told what it does when no command is there: it starts a shell, say. */
  readonly alone?: string;
}

const SPECS: Readonly<Record<string, Wrapper>> = {
  sudo: {
    values:
      "-u -g -p -C -R -T -r -t -U -D -h --user --group --prompt --close-from --chroot --command-timeout --role --type --other-user --chdir --host",
    switches:
      "-A -b -B -E -H -k -K -n -P -S -s -i --non-interactive --preserve-env --set-home --login --stdin --background --shell",
    idle: "-l -ll -v -V -e --list --validate --version --edit",
    assigns: true,
    alone: "a shell of another user",
  },
  doas: { values: "-u -C -a", switches: "-n -L -s", alone: "a shell of another user" },
  env: {
    values: "-u -C --unset --chdir",
    switches: "-i - -0 -v --ignore-environment --null --debug",
    code: "-S --split-string",
    assigns: true,
  },
  nice: { values: "-n --adjustment", switches: "-NUMBER" },
  nohup: {},
  timeout: {
    values: "-s -k --signal --kill-after",
    switches: "-v -f -p --verbose --foreground --preserve-status",
    operands: 1,
  },
  command: { switches: "-p", idle: "-v -V" },
  builtin: {},
  exec: { values: "-a", switches: "-c -l" },
  busybox: { idle: "--list --list-full --help --install" },
  toybox: { idle: "--help --version" },
  time: { values: "-f -o --format --output", switches: "-p -v -a -q --verbose --portability --append --quiet" },
  stdbuf: { values: "-i -o -e --input --output --error" },
  setsid: { switches: "-c -f -w --ctty --fork --wait" },
  ionice: { values: "-c -n -p -P -u --class --classdata", switches: "-t --ignore" },
  chrt: { values: "-T -P -D", switches: "-f -r -o -b -i -d -R", operands: 1 },
  taskset: { switches: "-a -c --all-tasks --cpu-list", operands: 1 },
  flock: {
    values: "-w -E --timeout --wait --conflict-exit-code",
    switches: "-s -x -e -n -u -o -F -v --shared --exclusive --nonblock --nb --close --no-fork --verbose",
    code: "-c --command",
    operands: 1,
  },
  chroot: { values: "--userspec --groups", switches: "--skip-chdir", operands: 1, alone: "a shell in another root" },
  unshare: {
    switches: "-m -u -i -n -p -U -C -T -f -r -c --fork --map-root-user --mount --net --pid --user",
    alone: "a shell",
  },
  nsenter: { values: "-t -S -G --target", switches: "-a -m -u -i -n -p -U -C -T", alone: "a shell" },
  strace: {
    values: "-e -o -p -s -u -a -b -E -I -O -S -P -X",
    switches: "-f -ff -c -C -d -D -i -k -q -r -t -tt -T -v -V -w -x -y -yy -z",
  },
  ltrace: { values: "-e -o -p -s -u -a -l -n -x", switches: "-f -c -C -i -L -r -S -t -T" },
  watch: {
    values: "-n --interval",
    switches: "-b -c -d -e -g -p -t -w -x --beep --color --differences --errexit --chgexit --precise --no-title --exec",
    joins: true,
  },
  ssh: {
    values: "-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w",
    switches: "-4 -6 -A -a -C -f -G -g -K -k -M -N -n -q -s -T -t -V -v -X -x -Y -y",
    operands: 1,
    joins: true,
    alone: "a shell on another host",
  },
  su: {
    values: "-s -g -G -w --shell --group --whitelist-environment",
    switches: "- -l -m -p -P -f --login --preserve-environment --pty",
    code: "-c --command --session-command",
    operands: 1,
    alone: "a shell of another user",
  },
  runuser: {
    values: "-u -g -G --user --group",
    switches: "- -l -m -p",
    code: "-c --command",
    alone: "a shell of another user",
  },
  script: { values: "-o -t -I -O -B -T -m -E", switches: "-a -e -f -q", code: "-c --command", alone: "a shell" },
  npx: { values: "-p --package -w --workspace", switches: "-y --yes --no --no-install -q --quiet", code: "-c --call" },
  bunx: { switches: "--bun" },
  pnpx: {},
  uvx: { values: "--from --with --python -p", switches: "-q" },
  pipx: {},
  parallel: {
    values:
      "-j -N -n -I -a -d -L --jobs --max-args --arg-file --delimiter --colsep --joblog --results --timeout --tmpdir",
    switches: "-k -v -t -q -X -m -0 --keep-order --bar --eta --dry-run --null --no-notice --will-cite --halt-on-error",
    joins: true,
    alone: "every line of its input, as a command",
  },
  xargs: {
    values:
      "-I -n -P -d -a -E -L -s --max-args --max-procs --delimiter --arg-file --max-lines --max-chars --process-slot-var",
    switches:
      "-0 -r -t -p -x -o -i -e -l --null --no-run-if-empty --verbose --interactive --exit --open-tty --replace --eof",
  },
};

/** Finds the command that a wrapper runs. */
const wrapper: Launcher = (call, launches) => {
  const spec = SPECS[call.name] ?? {};
  const head = readHead(call, spec, launches);
  const own = call.words.slice(0, head.end);
  const rest = call.words.slice(head.end);
  const assignments = head.assignments;
  if (head.idle) return { words: call.words, assignments };
  const { opaque } = head;
  if (opaque.length > 0) return runGuessing(call, rest, opaque, launches);
  if (rest.length === 0) {
    if (!head.hasCode && spec.alone !== undefined) launches.unseen(`${call.name} runs ${spec.alone}`);
    return { words: own, assignments };
  }
  if (call.name === "xargs") launches.run(withInput(call, head.replaced, rest), call.name);
  else if (spec.joins === true) joinAndRun(call, rest, launches);
  else launches.run(rest, call.name, call.input);
  return { words: own, assignments };
};

/** By the name the program is known as. */
export const WRAPPERS: Readonly<Record<string, Launcher>> = Object.fromEntries(
  Object.keys(SPECS).map((name) => [name, wrapper]),
);

interface Head {
  readonly end: number;
  readonly assignments: readonly Word[];
  readonly opaque: readonly string[];
  readonly hasCode: boolean;
  readonly idle: boolean;
  /** What `xargs -I` replaces. */
  readonly replaced: string | undefined;
}

const ASSIGNMENT = /^[A-Za-z_]\w*=/;

function readHead({ name, words }: Call, spec: Wrapper, launches: Launches): Head {
  const assignments: Word[] = [];
  const opaque: string[] = [];
  let operands = spec.operands ?? 0;
  let hasCode = false;
  let idle = false;
  let replaced: string | undefined;
  let at = 1;
  for (let ended = false; at < words.length; at += 1) {
    const word = words[at];
    const value = word === undefined ? undefined : literalOf(word);
    if (word === undefined) break;
    if (!ended && value === "--") ended = true;
    else if (!ended && value !== undefined && value.startsWith("-")) {
      for (const option of optionsOf(value, spec)) {
        const next = words[at + 1];
        const given = option.value ?? next?.shape;
        if (has(spec.idle, option.name)) idle = true;
        else if (has(spec.code, option.name)) {
          if (option.value !== undefined) launches.code({ ...word, shape: option.value }, name);
          else if (next !== undefined) launches.code(next, name);
          hasCode = true;
          if (option.value === undefined) at += 1;
        } else if (has(spec.values, option.name)) {
          if (option.name === "-I") replaced = given;
          if (name === "ssh" && given !== undefined) sshOption(option.name, given, opaque, launches);
          if (option.value === undefined) at += 1;
        } else if (!has(spec.switches, option.name))
          opaque.push(`an option of ${name} that is not known: ${option.name}`);
        else if (/^(?:-i|--replace)$/.test(option.name) && name === "xargs") replaced = option.value ?? "{}";
        else if (/^(?:-[si]|--shell|--login)$/.test(option.name) && name === "sudo") {
          opaque.push("sudo runs a shell");
        }
      }
    } else if (spec.assigns === true && ASSIGNMENT.test(word.shape)) assignments.push(word);
    else if (operands > 0) operands -= 1;
    else break;
  }
  return { end: Math.min(at, words.length), assignments, opaque, hasCode, idle, replaced };
}

/** The options that one word holds; the last may have a value in it. */
function optionsOf(
  word: string,
  spec: Wrapper,
): readonly { readonly name: string; readonly value: string | undefined }[] {
  if (/^-\d+$/.test(word) && has(spec.switches, "-NUMBER")) return [{ name: "-NUMBER", value: undefined }];
  if (has(spec.switches, word) || word === "-") return [{ name: word, value: undefined }];
  if (word.startsWith("--")) {
    const [, name = word, value] = /^([^=]*)=([^]*)$/.exec(word) ?? [];
    return [{ name, value }];
  }
  const options: { readonly name: string; readonly value: string | undefined }[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const name = `-${word[at] ?? ""}`;
    if (has(spec.values, name) || has(spec.code, name)) {
      return [...options, { name, value: at + 1 < word.length ? word.slice(at + 1) : undefined }];
    }
    options.push({ name, value: undefined });
  }
  return options;
}

/** Where the command begins is not sure: what comes next may be one, and any word after it. */
function runGuessing(call: Call, rest: readonly Word[], opaque: readonly string[], launches: Launches): OwnPart {
  if (rest.length > 0) launches.run(rest, call.name, call.input);
  return { words: call.words, opaque, mayRunArguments: true };
}

/** `ssh host rm -r x` and `watch rm -r x` hand their words to a shell as one text. */
function joinAndRun({ name }: Call, rest: readonly Word[], launches: Launches): void {
  // `parallel` puts what stands behind `:::` at the end of the command, or takes each as one where there is none.
  const end = rest.findIndex(isMark);
  const words = rest.filter((word) => !isMark(word));
  if (end !== -1) for (const word of rest.slice(end + 1)) launches.guess(word, name);
  const shape = words.map((word) => word.shape).join(" ");
  launches.code({ text: shape, shape, splits: words.some((word) => word.splits) }, name);
}

/** Whether what follows are values of `parallel`. */
function isMark({ shape }: Word): boolean {
  return shape.startsWith(":::");
}

/** The command of `xargs`, with what it reads put in: at the end, or in place of what `-I` names. */
function withInput({ input }: Call, replaced: string | undefined, rest: readonly Word[]): readonly Word[] {
  const read: Word =
    input.kind === "paths" ? { text: "<input>", shape: `./${HOLE}`, splits: false } : unknownWords("<input>");
  if (replaced === undefined || replaced === "") return [...rest, read];
  return rest.map((word) =>
    word.shape.includes(replaced)
      ? { ...word, shape: word.shape.replaceAll(replaced, input.kind === "paths" ? `./${HOLE}` : HOLE) }
      : word,
  );
}

/** `ProxyCommand` and others are run by a local shell; a configuration may hold them, and a provider is loaded. */
function sshOption(option: string, value: string, opaque: string[], launches: Launches): void {
  if (option === "-F" || option === "-I") opaque.push(`ssh ${option} may run or load anything`);
  if (option !== "-o") return;
  const [, name = "", command = ""] = /^\s*(\w+)[\s=]\s*([^]*)$/.exec(value) ?? [];
  if (!/command|provider|^knownhostscommand|^include|^match/i.test(name)) return;
  opaque.push(`ssh runs ${name}`);
  launches.code({ text: command, shape: command, splits: false }, "ssh");
}
