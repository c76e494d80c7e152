/** Asks a person on the terminal. */

import { createInterface } from "node:readline";

/** Asks on stderr, since stdout is for data. Yes is `y` or `yes`; an end of the input or an interrupt is no. */
export function askOnTerminal(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    terminal.once("close", () => resolve(false));
    terminal.question(question, (answer) => {
      resolve(/^y(es)?$/i.test(answer.trim()));
      terminal.close();
    });
  });
}
