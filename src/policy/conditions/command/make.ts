/** `make`: what its recipes run, the command line can change. */

import type { Launcher } from "./launching.ts";

/** `make` takes variables whose values its recipes run. */
export const make: Launcher = ({ words, input }, launches) => {
  for (const word of words.slice(1)) {
    if (word.shape.includes("="))
      launches.guess({ ...word, shape: word.shape.slice(word.shape.indexOf("=") + 1) }, "make");
  }
  if (input.kind === "text") launches.unseen("make runs what it reads");
  return { words };
};
