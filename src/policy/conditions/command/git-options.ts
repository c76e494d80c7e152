/** What is known of the options of `git` and its subcommands. */

import type { ProgramKnowledge } from "./knowledge.ts";

/** Options by which some subcommand runs another program, and which are taken by more of them than say so. */
const RUNS = "--ext-diff --textconv --filters --upload-pack --receive-pack --exec --open-files-in-pager --extcmd";
/** The same for those that write a file: whatever takes the options of `git diff` takes this one. */
const WRITES = "--output";

/** What there is besides those, by subcommand, or by the bare name for all others. */
const OWN: Readonly<Record<string, ProgramKnowledge>> = {
  git: {
    globals: "-C -c --config-env --git-dir --work-tree --namespace --super-prefix --attr-source",
    switches:
      "-P --no-pager --bare --no-replace-objects --no-optional-locks --literal-pathspecs --glob-pathspecs --noglob-pathspecs --icase-pathspecs --no-lazy-fetch --no-advice --version -v --help -h",
  },
  "git add": { meanings: { all: "-A --all", force: "-f --force", patch: "-p --patch" } },
  "git branch": {
    meanings: {
      delete: "-d -D --delete",
      force: "-f -D -M -C --force",
      all: "-a --all",
      remotes: "-r --remotes",
      verbose: "-v -vv --verbose",
    },
    values: "-u --set-upstream-to --sort --format --points-at",
  },
  "git checkout": { meanings: { force: "-f --force -B", create: "-b -B --orphan" }, values: "-b -B --orphan" },
  "git clean": {
    meanings: { force: "-f --force", recursive: "-d", ignored: "-x -X", dry_run: "-n --dry-run" },
    values: "-e --exclude",
  },
  "git commit": {
    meanings: {
      all: "-a --all",
      amend: "--amend",
      message: "-m --message",
      no_verify: "-n --no-verify",
      dry_run: "--dry-run",
    },
    values:
      "-m -F -C -c -t --message --file --author --date --template --fixup --squash --reuse-message --reedit-message --trailer --cleanup",
    text: Number.POSITIVE_INFINITY,
  },
  "git diff": {
    meanings: { staged: "--staged --cached", stat: "--stat", name_only: "--name-only", name_status: "--name-status" },
    values: "-U -S -G -O --unified --diff-filter --word-diff",
  },
  "git fetch": {
    meanings: { all: "--all", prune: "-p --prune", force: "-f --force", tags: "-t --tags" },
  },
  "git log": {
    meanings: { oneline: "--oneline", stat: "--stat", graph: "--graph", all: "--all", patch: "-p -u --patch" },
    values:
      "-n -S -G -L -O --max-count --since --until --after --before --author --grep --format --pretty --date --committer --skip",
  },
  "git show": {
    meanings: { stat: "--stat", name_only: "--name-only" },
    values: "-S -G -O --format --pretty",
  },
  "git pull": { meanings: { rebase: "-r --rebase", force: "-f --force" }, values: "-s -X" },
  "git push": {
    meanings: {
      force: "-f --force --force-with-lease --force-if-includes --mirror +",
      delete: "-d --delete --prune --mirror :",
      all: "--all --branches --mirror",
      tags: "--tags --follow-tags",
      dry_run: "-n --dry-run",
    },
    values: "-o --push-option --repo",
  },
  "git reset": { meanings: { hard: "--hard", soft: "--soft", mixed: "--mixed" } },
  "git restore": { meanings: { staged: "-S --staged", worktree: "-W --worktree" }, values: "-s --source" },
  "git rm": { meanings: { cached: "--cached", recursive: "-r", force: "-f --force" } },
  "git stash": {},
  "git status": { meanings: { short: "-s --short", branch: "-b --branch", porcelain: "--porcelain" } },
  "git tag": {
    meanings: { delete: "-d --delete", force: "-f --force", list: "-l --list", message: "-m --message" },
    values: "-m -F -u --message --file",
  },
  "git clone": {
    values: "-b -o -j --branch --depth --origin --reference",
    runs: "-u -c --config --template",
  },
  "git init": { runs: "--template" },
  "git merge": { values: "-m -F", runs: "-s --strategy" },
  "git remote": { meanings: { verbose: "-v --verbose" } },
  "git grep": {
    values: "-e -m -A -B -C --max-depth",
    switches: "-n -i -l -w -v -E -F -P -c -q -h -H",
    runs: "-O",
    text: 1,
  },
  "git rebase": { meanings: { interactive: "-i --interactive" }, runs: "-x -s --strategy" },
  "git difftool": { runs: "-x -t --tool" },
  "git archive": { writes: "-o" },
  "git ls-remote": { runs: "-u" },
};

/** By name, or by name and subcommand. */
export const GIT: Readonly<Record<string, ProgramKnowledge>> = Object.fromEntries(
  Object.entries(OWN).map(([name, own]) => [
    name,
    { ...own, runs: joined(own.runs, RUNS), writes: joined(own.writes, WRITES) },
  ]),
);

function joined(own: string | undefined, common: string): string {
  return own === undefined ? common : `${own} ${common}`;
}
