/** Which log a suite uses that holds for every place a log can be kept in. */

import { join } from "node:path";

/** Answers where a new log is to be kept; `directory` is a new one that is removed afterwards. */
export const underTest: { newLog: (directory: string) => string } = {
  newLog: (directory) => join(directory, "audit.db"),
};
