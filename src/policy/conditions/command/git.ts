/** `git`: options and subcommands that run other programs. */

import { has, subcommandOf } from "./arguments.ts";
import type { Launcher, Launches } from "./launching.ts";
import { knowledgeOf } from "./programs.ts";
import { literalOf, literalWord, type Word } from "./word.ts";

/** Everything else is an alias, or a program called `git-…`. */
const SUBCOMMANDS = new Set(
  `add am annotate apply archive bisect blame branch bundle cat-file check-attr check-ignore check-mailmap check-ref-format
  checkout checkout-index cherry cherry-pick clean clone column commit commit-graph commit-tree config count-objects
  describe diff diff-files diff-index diff-tree difftool fast-export fetch for-each-ref format-patch fsck gc grep hash-object
  help init interpret-trailers log ls-files ls-remote ls-tree maintenance merge merge-base merge-file merge-tree mergetool
  mktag mktree mv name-rev notes pack-refs prune pull push range-diff read-tree rebase reflog remote repack replace rerere
  reset restore rev-list rev-parse revert rm shortlog show show-branch show-ref sparse-checkout stash status stripspace
  submodule switch symbolic-ref tag update-index update-ref var verify-commit verify-tag version whatchanged worktree
  write-tree`.split(/\s+/),
);
/** Subcommands that run programs of the configuration's or the user's choice. */
const RUN_OTHERS = new Set(
  "difftool mergetool send-email instaweb filter-branch hook credential daemon shell".split(" "),
);
/** Subcommands whose arguments hold a command, behind the word that says so. */
const RUN_ARGUMENTS: Readonly<Record<string, string>> = { bisect: "run", submodule: "foreach" };

/** Settings whose value is run. */
const RUN_SETTINGS =
  /^(?:pager\..*|core\.(?:pager|editor|askpass|fsmonitor|sshcommand|gitproxy)|.*\.(?:external|textconv|helper|driver|cmd|command|program))$/i;

/** Reads what a git command runs besides git. */
export const git: Launcher = ({ words }, launches) => {
  const opaque: string[] = [];
  const { at } = subcommandOf(words.slice(1), knowledgeOf("git"));
  const head = words.slice(1, at === undefined ? words.length : at + 1);
  readGlobals(head, opaque, launches);
  if (at === undefined)
    return { words, opaque: hasOnlySwitches(head) ? opaque : [...opaque, "git's subcommand is not in the text"] };
  const subcommand = literalOf(words[at + 1] ?? { text: "", shape: "", splits: false }) ?? "";
  const rest = words.slice(at + 2);
  if (!SUBCOMMANDS.has(subcommand) || RUN_OTHERS.has(subcommand)) {
    opaque.push(`git ${subcommand} may run any program`);
    for (const word of rest) launches.guess(word, "git");
  }
  if (subcommand === "config") readConfig(rest, opaque, launches);
  const marker = Object.hasOwn(RUN_ARGUMENTS, subcommand) ? RUN_ARGUMENTS[subcommand] : undefined;
  const start = marker === undefined ? -1 : rest.findIndex(({ shape }) => shape === marker);
  if (start !== -1) {
    const command = rest.slice(start + 1).filter(({ shape }) => shape !== "--recursive" && shape !== "--quiet");
    opaque.push(`git ${subcommand} ${marker} runs a command`);
    // One word is given to a shell; several are words of a command, or joined.
    const shape = command.map((word) => word.shape).join(" ");
    if (command.length > 0) launches.code({ text: shape, shape, splits: command.some((word) => word.splits) }, "git");
    if (command.length > 1) launches.run(command, "git");
  }
  for (const { shape } of rest) {
    const helper = /(?:^|=)(ext|fd)::([^]*)$/i.exec(shape);
    if (helper === null) continue;
    opaque.push("a transport that runs a program");
    // Words end at spaces; one that is written `% ` is part of a word.
    const command = (helper[2] ?? "").split(/(?<!%) +/).map((each) => literalWord(each.replaceAll("% ", " ")));
    launches.run(command, "git");
  }
  return { words, opaque };
};

function readGlobals(head: readonly Word[], opaque: string[], launches: Launches): void {
  for (const [index, { shape }] of head.entries()) {
    if (/^--(?:config-env|exec-path|git-dir)/.test(shape))
      opaque.push(`git ${shape.replace(/=[^]*/, "")} changes what git runs`);
    // The configuration of a repository says what is run, and a checkout may hold one as ordinary files.
    if (/^(?:-C|--bare)$/.test(shape)) opaque.push(`git ${shape} may take another repository's configuration`);
    if (/^(?:-p|--paginate)$/.test(shape)) opaque.push("git runs a pager");
    const setting = shape === "-c" ? head[index + 1] : undefined;
    if (setting === undefined) continue;
    opaque.push("git -c changes what git runs");
    const [, name = "", value = ""] = /^([^=]*)=?([^]*)$/.exec(setting.shape) ?? [];
    if (RUN_SETTINGS.test(name)) launches.code({ ...setting, shape: value.replace(/^!/, "") }, "git");
    else runSetting(value, setting, launches);
  }
}

function readConfig(rest: readonly Word[], opaque: string[], launches: Launches): void {
  const reads = rest.some(({ shape }) => /^(?:--get(?:-all|-regexp|-urlmatch)?|-l|--list|get|list)$/.test(shape));
  const operands = rest.filter(({ shape }) => !shape.startsWith("-"));
  if (!reads && operands.length !== 1) opaque.push("git config changes what git runs");
  for (const word of operands.slice(1)) runSetting(word.shape, word, launches);
}

/** A setting that begins with `!` is run by a shell; some others are run too. */
function runSetting(value: string, word: Word, launches: Launches): void {
  if (value.startsWith("!")) launches.code({ ...word, shape: value.slice(1) }, "git");
  else launches.guess({ ...word, shape: value }, "git");
}

function hasOnlySwitches(head: readonly Word[]): boolean {
  return head.every((word) => has(knowledgeOf("git").switches, literalOf(word) ?? ""));
}
