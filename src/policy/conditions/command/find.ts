/** `find`: tests that only look, and actions that run, delete or write. */

import type { Launcher } from "./launching.ts";
import { HOLE, literalOf, literalWord, mayBecomeFlag, type Word } from "./word.ts";

/** Tests and actions that take a value. */
const VALUES: ReadonlySet<string> = new Set(
  `-name -iname -path -ipath -wholename -iwholename -lname -ilname -regex -iregex -type -xtype -size -mtime -atime -ctime
  -mmin -amin -cmin -newer -anewer -cnewer -user -group -uid -gid -perm -maxdepth -mindepth -links -inum -samefile -fstype
  -printf -regextype -used -context -D -newermt -newerat -newerct -newerBt -newermm -newerma -newermc -newerac -newercm
  -newerca`.split(/\s+/),
);
const RUNS = new Set(["-exec", "-execdir", "-ok", "-okdir"]);
const WRITES = new Map([
  ["-fprint", 1],
  ["-fprint0", 1],
  ["-fls", 1],
  ["-fprintf", 2],
]);
/** A path that was found: it begins with one of the paths that `find` was given. */
const FOUND: Word = { text: "{}", shape: `./${HOLE}`, splits: false };

export const find: Launcher = ({ words }, launches) => {
  const opaque: string[] = [];
  const own: Word[] = [];
  let inExpression = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (word === undefined) break;
    const value = literalOf(word);
    own.push(word);
    if (at === 0) continue;
    if (value === undefined) {
      if (!mayBecomeFlag(word)) continue;
      opaque.push("an expansion may become an action of find");
      // As the first word it is where to look, unless the script has said what the expansion gives.
      if (inExpression || at > 1 || launches.setsVariables)
        launches.unseen("an expansion may become an action of find");
      continue;
    }
    if (!/^[-(!),]/.test(value)) continue;
    if (!/^-(?:[HLP]$|O|D$)/.test(value)) inExpression = true;
    if (RUNS.has(value)) {
      const end = words.findIndex((each, index) => index > at && isEnd(each, words[index - 1]));
      const command = words.slice(at + 1, end === -1 ? words.length : end);
      launches.run(
        command.map((each) => (each.shape.includes("{}") ? { ...FOUND, shape: found(each) } : each)),
        `find ${value}`,
      );
      at = end === -1 ? words.length : end;
    } else if (value === "-delete") {
      launches.run(["rm", "-r", "-f"].map(literalWord).concat(FOUND), "find -delete");
    } else if (WRITES.has(value)) {
      opaque.push(`find ${value} writes a file`);
      at += WRITES.get(value) ?? 0;
    } else if (value === "-files0-from") {
      opaque.push("find reads where to look from a file");
      at += 1;
    } else {
      const next = VALUES.has(value) ? words[at + 1] : undefined;
      if (next === undefined) continue;
      own.push(next);
      at += 1;
    }
  }
  return { words: own, opaque };
};

function isEnd({ shape }: Word, before: Word | undefined): boolean {
  return shape === ";" || (shape === "+" && before?.shape === "{}");
}

/** In code, a path that was found is not told apart from code. */
function found({ shape }: Word): string {
  return shape === "{}" ? FOUND.shape : shape.replaceAll("{}", HOLE);
}
