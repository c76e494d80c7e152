/** Who runs this process, as the operating system knows them. */

import { userInfo } from "node:os";

/** The operating system's user; a number where it has no name. */
export function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? "");
  }
}
