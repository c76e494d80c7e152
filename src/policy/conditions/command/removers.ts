/** Programs that delete whole trees, as the plain command that does. */

import type { Launcher } from "./launching.ts";
import { literalWord } from "./word.ts";

const remover: Launcher = ({ name, words }, launches) => {
  const rest = words.slice(1).filter(({ shape }) => !shape.startsWith("-"));
  launches.run([...["rm", "-r", "-f"].map(literalWord), ...rest], name);
  return { words };
};

/** By the name the program is known as. */
export const REMOVERS: Readonly<Record<string, Launcher>> = {
  rimraf: remover,
  rmtree: remover,
  "del-cli": remover,
  trash: remover,
};
