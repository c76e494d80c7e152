import { describe, expect, it } from "vitest";

import type { Answer } from "../../../src/policy/answer.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { asked } from "./asked.ts";

const DELETES = { program: "rm", flags: "recursive" };

const denies = (command: unknown): Answer => asked("deny", "command", DELETES, { command });
const allows = (terms: object, command: unknown): Answer => asked("allow", "command", terms, { command });

const shipped = Policy.load("policies/shell.yaml");
const decided = (command: string): string => shipped.evaluate(call({ payload: { command } })).decision;

describe("command in a deny rule", () => {
  it.each<[string, Answer]>([
    ["rm -rf x", "yes"],
    ["rm -f -- -r", "no"],
    ["rm --rec x", "maybe"],
    ["rm $X", "maybe"],
    ["$'\\x72m' -r x", "yes"],
    ["grep -rf rm .", "no"],
    ["echo rm -rf x", "no"],
    ["git rm -r --cached x", "no"],
    ["ls 'a;' \"rm -rf /\"", "no"],
    ["rsync -e 'ssh -p 22' a b:c", "no"],
    ["zip a b -T -TT 'rm -rf /'", "maybe"],
    ["less +'!rm -rf /' x", "maybe"],
    ["gdb --args rm -r x", "maybe"],
    ["parallel rm ::: -rf x", "yes"],
    ["parallel ::: 'rm -rf x'", "yes"],
    ["git bisect run rm -rf x", "yes"],
    ["git bisect run sh -c 'rm -rf x'", "yes"],
    ["git -c core.pager='rm -rf x' log", "yes"],
    ["git -c 'diff.external=echo cm0gLXJm | base64 -d | sh' diff", "maybe"],
    ["git -c user.name='rm x' commit", "no"],
    ["rm{,}-rf{,}/srv", "maybe"],
    ["xargs rm{,}-rf{,}/srv", "maybe"],
    ["firejail rm$IFS-rf$IFS/srv", "maybe"],
    ["firejail rm{,}-rf{,}/srv", "maybe"],
    ["firejail rmdir$IFS/srv", "no"],
    ["tmux new -d '${x:-rm} -rf /srv'", "maybe"],
    ["tmux new -d '$(command -v rm) -rf /srv'", "maybe"],
    ["tmux new -d 'tmux new \"rm -rf /srv\"'", "maybe"],
    ["tmux new -d 'rmdir $(x)'", "no"],
    ["tmux new -d '$(x) alarm'", "no"],
  ])("%s: %s", (command, answer) => {
    expect(denies(command)).toBe(answer);
  });
});

const RUNS_RM = "a[$(rm x)]";

describe("code that bash runs where it evaluates text", () => {
  it.each([
    ...["-eq", "-ne", "-lt", "-le", "-gt", "-ge"].flatMap((operator) => [
      `[[ '${RUNS_RM}' ${operator} 1 ]]`,
      `[[ 0 ${operator} '${RUNS_RM}' ]]`,
      `[[ x == x && ! ( 0 ${operator} '${RUNS_RM}' ) ]]`,
    ]),
    `if [[ '${RUNS_RM}' -gt 0 ]]; then ls; fi`,
    `until [[ '${RUNS_RM}' -gt 0 ]]; do ls; done`,
    "[[ 'a[b[1]+$(rm x)]' -eq 1 ]]",
    "[[ 'a[`rm x`]' -eq 1 ]]",
    "[[ $'a[\\x24(rm x)]' -eq 1 ]]",
    `[[ -v '${RUNS_RM}' ]]`,
    `test -v '${RUNS_RM}'`,
    `[ -v '${RUNS_RM}' ]`,
    "read 'a[b[1]+$(rm x)]'",
    `read '${RUNS_RM}'`,
    `printf -v '${RUNS_RM}' x`,
    `printf %n '${RUNS_RM}'`,
    `printf -v'${RUNS_RM}' x`,
    `printf "$x"'${RUNS_RM}' x`,
    `mapfile '${RUNS_RM}'`,
    `getopts o '${RUNS_RM}'`,
    `wait -p '${RUNS_RM}' -n`,
    `let '${RUNS_RM}'`,
    `declare '${RUNS_RM}=1'`,
    "a['$(rm x)']=1",
    "a[\"b\"'`rm x`']=1",
    "a['$(rm x)']+=1",
    "a=(['$(rm x)']=1)",
    "a+=(['$(rm x)']=1)",
    "exec {a[$(rm x)]}>x",
    "exec {a['$(rm x)']}>x",
    ": \"${a['$(rm x)']}\"",
    `: \${PWD:'${RUNS_RM}'}`,
    `(( '${RUNS_RM}' ))`,
    `for ((i='${RUNS_RM}';;)); do break; done`,
    `declare -n r='${RUNS_RM}'`,
    "ls {a['$(rm x)']}>x",
    "ed -s a <<< '!rm x'",
    "ed '!rm x'",
    "printf '!rm x\\nq\\n' | ed -s a",
    "ed a <<< 'r !rm x'",
    "ex -s a <<< '!rm x'",
    "vi a <<< ':r !rm x'",
    "ex -s a <<EOF\n!rm x\nq\nEOF",
  ])("is stopped by a rule about it: %s", (command) => {
    expect(asked("deny", "command", { program: "rm" }, { command })).not.toBe("no");
  });

  it.each([
    "[[ $x == 'a[$(rm x)]' ]]",
    "[[ $x -eq 1 ]]",
    "a[1]=2",
    "echo 'a[$(rm x)]'",
    "printf '[%s] use `rm x` with care\\n' note",
    "printf -- '[%s] $(rm x)' note",
    "ed -s a <<< 'p'",
  ])("is not found where bash evaluates none: %s", (command) => {
    expect(asked("deny", "command", { program: "rm" }, { command })).toBe("no");
  });
});

describe("command beyond what is read", () => {
  it.each<[string, string]>([
    ["too long", `ls ${"a".repeat(8192)}`],
    ["nested too deep", `${"$(".repeat(40)}ls${")".repeat(40)}`],
    ["nested too deep in backticks", "`".repeat(70)],
    ["of too many commands", "ls;".repeat(300)],
    ["of too many commands to parse", "ls;".repeat(1200)],
    ["with too much code inside code", `sh -c '${"sh -c x;".repeat(100)}'; `.repeat(9)],
    ["with code too deep in an argument", `firejail '${"(".repeat(40)}ls${")".repeat(40)} rm'`],
  ])("is stopped and never allowed: %s", (_, command) => {
    expect(denies(command)).toBe("maybe");
    expect(allows({ program: ["ls", "sh", "firejail"] }, command)).not.toBe("yes");
  });
});

describe("the shipped policy for a shell", () => {
  it.each([
    "ls -la src && git status",
    "cat README.md | head -n 20 2>/dev/null",
    "tr a-z A-Z < names.txt",
    "sha256sum dist/index.js",
    "test -f package.json && echo yes",
    "node -v; npm -v; python3 --version",
    "git stash list",
    "date -u '+%H:%M'",
    "date",
    "git merge-base main HEAD",
    "git grep -C 3 name",
    "git diff -C HEAD",
    "grep -rn 'rm -rf' src | sort | uniq -c",
    "printf '%s\\n' name",
    "printf '%d%%now %5.2f' 1 2",
    "printf -- '%(%F)T' -1",
  ])("allows %s", (command) => {
    expect(decided(command)).toBe("allow");
  });

  it.each([
    "git -c core.pager=x log",
    "git -p log",
    "git grep -Ox y",
    "git grep --open-files-in-pager=x y",
    "git diff --ext-diff",
    "git show --textconv x",
    "git log --output=x",
    "git log --outp x",
    "git diff --no-index x /etc/passwd",
    "git -C / log",
    "git -C sub diff",
    "git -C sub -C .. diff",
    "git -Csub diff",
    "git --no-pager --bare diff HEAD",
    "git --bar diff",
    "cat x.pem/y",
    "git --git-dir=/x log",
    "git reflog expire --all",
    "sort -o x y",
    "sort -uo x y",
    "sort --outp=x y",
    "sort --compress-program=x y",
    "uniq a b",
    "tree -o x",
    "find . -fprint x",
    "find . -fls x",
    "find . -delete",
    "find . -execdir ls {} +",
    "rg --pre x y",
    "rg -z x",
    "sed -n 'w x' y",
    "sed 's/a/b/w x' y",
    "sed 's/a/b/e' y",
    "sed '1e ls' y",
    "sed -i p x",
    "sed -f x y",
    "awk '{print > \"x\"}' y",
    "awk 'BEGIN{system(\"ls\")}'",
    "awk -f x y",
    "awk -i inplace p x",
    "tar -xf a --to-command=x",
    "jq -n env",
    "jq -f x",
    "date -s 2020-01-01",
    "file -C -m x",
    "printf -v PATH x",
    "printf 'x%n' PATH && ls",
    "printf 'x%n' HOME && git status",
    "printf '%n' BASH_ENV",
    "printf -- '%n' PATH",
    "printf '%.3s%n' xxxx PATH",
    "printf '%(%F)T%n' -1 PATH; ls",
    "printf '%%%n' PATH",
    "printf '%-*.*lln' 1 2 PATH",
    "printf '\\x25n' PATH",
    "printf %? PATH",
    "command printf %n PATH",
    "cat > x",
    "ls | tee x",
    "ls >| x",
    "ls <> x",
    "cat <<< $(ls)",
    "ls -la; ls() { :; }",
    "cd .. && cat x",
    "cat /etc/shadow",
    "cat ~/.ssh/id_rsa",
    "LD_PRELOAD=./x.so ls",
    "node --version -e x",
    "cat x | python3 -v",
    "awk 'BEGIN { ARGV[1] = \"/root/x\"; ARGC = 2 } 1'",
    "awk -v ARGC=2 1 x",
    "awk -W exec x",
    "awk -Dx y",
    "sed --i p x",
    "date --s=x",
    "date 010112002020",
    "awk -Wexec x",
    "git --git-dir=x status",
    "git --git-dir x status",
    "awk 'BEGIN { print ENVIRON[\"TOKEN\"] }'",
    "awk '{ print SYMTAB[\"x\"] }' y",
    "git stash list --output=x",
    "git stash list -p --ext-diff",
    "git shortlog --output=x",
    "git rev-list --output=x HEAD",
    "git status --outp=x",
    "sort --files0-from=list",
    "wc --files0-from=- < list",
    "du --files0-f list",
    "find -files0-from list",
    "file -f list",
    "sha256sum -c list",
    "test -v 'a[$(ls)]'",
    "rm --help -rf x",
    "npm --version --script-shell=x",
    "git branch -D x",
    "git stash drop",
    "git remote add x y",
  ])("does not allow %s", (command) => {
    expect(decided(command)).not.toBe("allow");
  });
});
