/** `cmake -E`: commands of its own that do what the plain ones do, or run others. */

import type { Launcher } from "./launching.ts";
import { HOLE, literalOf, literalWord, mayBecomeFlag, type Word } from "./word.ts";

/** The plain command that does the same. Others have its name already. */
const SAME_AS: Readonly<Record<string, string>> = {
  remove: "rm",
  remove_directory: "rm -r",
  copy: "cp",
  copy_directory: "cp -r",
  copy_if_different: "cp",
  rename: "mv",
  make_directory: "mkdir -p",
  create_symlink: "ln -s",
  create_hardlink: "ln",
};

export const cmake: Launcher = ({ words }, launches) => {
  const at = words.findIndex(({ shape }) => shape === "-E");
  if (at === -1) {
    // What the build takes for its own variables: `cmake --build x -- SHELL=…`.
    for (const word of words)
      if (word.shape.includes("="))
        launches.guess({ ...word, shape: word.shape.slice(word.shape.indexOf("=") + 1) }, "cmake");
    return { words, mayRunArguments: words.slice(1).some(mayBecomeTool) };
  }
  const [tool, ...rest] = words.slice(at + 1);
  if (tool === undefined) return { words };
  const name = literalOf(tool) ?? "";
  if (name.startsWith("__")) launches.unseen(`cmake -E ${name} runs other programs`);
  // Behind the directory where it is run.
  else if (name === "chdir") launches.run(rest.slice(1), "cmake -E chdir");
  else launches.run([...plainly(name, tool), ...rest], "cmake -E");
  return { words: words.slice(0, at + 1) };
};

function mayBecomeTool(word: Word): boolean {
  return mayBecomeFlag(word) || word.shape.startsWith(`-${HOLE}`);
}

function plainly(name: string, tool: Word): readonly Word[] {
  return Object.hasOwn(SAME_AS, name) ? (SAME_AS[name] ?? "").split(" ").map(literalWord) : [tool];
}
