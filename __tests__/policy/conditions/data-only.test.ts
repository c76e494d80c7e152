import { describe, expect, it } from "vitest";

import type { Answer } from "../../../src/policy/answer.ts";
import { DATA_ONLY } from "../../../src/policy/conditions/command/data-only.ts";
import { LAUNCHER_TABLES, launcherOf } from "../../../src/policy/conditions/command/launchers.ts";
import { knownAs } from "../../../src/policy/conditions/command/names.ts";
import { knowledgeOf } from "../../../src/policy/conditions/command/programs.ts";
import { builtinLauncher } from "../../../src/policy/conditions/command/shells.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { asked } from "./asked.ts";

const ALLOW = ["shell.execute"];
const DENIES_RM = { capability: "shell.execute", command: { program: "rm" } };
const denying = Policy.parse(JSON.stringify({ deny: [DENIES_RM], allow: ALLOW }));
const decided = (command: string): string => denying.evaluate(call({ payload: { command } })).decision;

describe("a data-only program hides nothing", () => {
  it.each([
    "fd . -x rm -rf {}",
    "fd -X rm",
    "fd -Hxrm",
    "fd -x=rm",
    "fd --exec=rm -f",
    "fd --exec-batch rm -f",
    "fd a -x echo {} ';' -x rm",
    "fd -x -- rm",
    "fdfind -x sh -c 'rm {}'",
    'fd "$X" rm',
    "fd -$X rm",
    "ip netns exec a rm -rf /",
    "ip net e a rm x",
    "ip vrf exec a rm x",
    "ip -all netns exec rm x",
    "ip $X exec a rm x",
    "minikube ssh rm -rf /",
    "minikube ssh 'rm -rf /'",
    "minikube -p a ssh -- rm x",
    "cmake -E rm -rf /srv",
    "cmake $X rm x",
    "cmake -E env rm x",
    "cmake -E env A=b rm x",
    "cmake -E time rm x",
    "cmake -E chdir a rm x",
    "cmake -E remove_directory x",
    "cmake -E remove -f x",
    "cmake -E __run_co_compile --tidy='rm;x'",
    "cmake -DCMAKE_C_COMPILER_LAUNCHER='rm -rf /' .",
    "rename 's/a/b/;system(\"rm -rf /\")' x",
    "rename 's/a/`rm x`/e' x",
    "rename 's/a/@{[`rm x`]}/' x",
    "rename 's/(?{`rm x`})/a/' x",
    "rename -e 'system(\"rm x\")' x",
    "rename exec rm",
    "hg --config alias.x='!rm -rf /' x",
    "hg --config=alias.x='!rm -rf /' x",
    "hg --conf hooks.update='rm x' update",
    "hg --config ui.editor=rm commit",
    "hg --config extensions.x=./x.py x",
    "hg bisect -c 'rm x'",
    "rails runner 'system(\"rm -rf /\")'",
    "jobs -x rm x",
    "gh alias set x '!rm -rf /'",
    "go run rm",
    "foo rm x",
    "foo --exec=rm",
    "foo --exec='rm -rf /'",
    "foo --exec='rm --no-preserve-root=x y'",
    "foo --option=exec='rm -rf /'",
    "apt -o DPkg::Pre-Invoke::='rm -rf /' install x",
    "cmake --build x -- SHELL='rm x'",
    'rename "$X" y',
    "rg --pre rm x .",
    "tar -I /bin/rm -xf x",
    "tar --checkpoint-action=exec=rm -cf a b",
    "sort --compress-prog=rm x",
    "gcc -wrapper rm,-rf,/ x.c",
    "install -s --strip-program=rm a b",
    "git clone -u rm a",
  ])("under a rule that denies rm: %s", (command) => {
    expect(decided(command)).toBe("deny");
  });

  it.each([
    "fd -e ts . src",
    "fd -tx",
    "fd -ex",
    "fd -- -x rm",
    "fd -x wc -l {}",
    "ip addr show dev rm",
    "ip netns list",
    "ip netns exec a ping b",
    "minikube status",
    "cmake -S . -B build -DCMAKE_BUILD_TYPE=Release",
    "cmake -E make_directory rm",
    "cmake -E echo rm",
    "rename 's/\\.txt$/.md/' rm.txt",
    "rename .htm .html a.htm",
    "hg log -r tip",
    "rails routes",
    "git log -- rm",
    "cat rm",
    "tar -I zstd -xf rm",
    "grep -e rm x",
    "cp rm x",
  ])("and leaves alone what runs none: %s", (command) => {
    expect(decided(command)).toBe("allow");
  });

  const PROGRAMS = ["fd", "ip", "minikube", "cmake", "rename", "hg"];
  it.each<[string, Answer]>([
    ["fd -e ts . src", "yes"],
    ["fd -x rm", "no"],
    ["fd -X rm", "no"],
    ["ip addr show", "yes"],
    ["ip netns exec a rm x", "no"],
    ["ip -batch x", "maybe"],
    ["ip $X", "maybe"],
    ["minikube status", "yes"],
    ["minikube ssh rm", "maybe"],
    ["cmake -S . -B build", "yes"],
    ["cmake -E rm x", "no"],
    ["cmake -E env rm x", "no"],
    ["cmake -P x", "maybe"],
    ["cmake -DX=y .", "maybe"],
    ["rename s/a/b/ x", "yes"],
    ["rename 's/a/`x`/e' x", "maybe"],
    ["rename exec x", "maybe"],
    ["hg log", "yes"],
    ["hg --config a.b=hg x", "maybe"],
    ["hg --config alias.x='!rm -rf /' x", "no"],
    ["hg bisect -c hg", "maybe"],
  ])("where it is allowed itself: %s: %s", (command, answer) => {
    expect(asked("allow", "command", { program: PROGRAMS }, { command })).toBe(answer);
  });
});

describe("the list of data-only programs", () => {
  it("is in order, with each of them once", () => {
    expect(DATA_ONLY).toEqual([...new Set(DATA_ONLY)].toSorted());
  });

  it("has none that is known otherwise, or under another name", () => {
    const nothing = knowledgeOf("of which nothing is known");
    const known = DATA_ONLY.filter(
      (name) =>
        knownAs(name) !== name ||
        knowledgeOf(name) !== nothing ||
        launcherOf(name) !== undefined ||
        builtinLauncher(name) !== undefined,
    );
    expect(known).toEqual([]);
  });
});

describe("the tables of launchers", () => {
  it("have each program once, by the name it is known as", () => {
    const names = LAUNCHER_TABLES.flatMap((table) => Object.keys(table));
    expect(names.toSorted()).toEqual([...new Set(names.map(knownAs))].toSorted());
  });
});
