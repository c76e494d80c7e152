/** Signs of a shell of another kind than `sh`. */

import type { Word } from "./word.ts";

/** Cmdlets of PowerShell (`Remove-Item`), and options of `cmd.exe` (`rd /s /q`). */
export function isOtherDialect(name: string, words: readonly Word[]): boolean {
  if (/^[A-Z][a-z]+-[A-Z][A-Za-z]+$/.test(name) || name === "%") return true;
  if (/^(?:rd|rmdir|del|erase|format|deltree)$/i.test(name)) return words.some(({ shape }) => /^\/[a-z]$/i.test(shape));
  return words.some(({ shape }) => /^-(?:Recurse|Force|ItemType|LiteralPath|ScriptBlock|EncodedCommand)$/i.test(shape));
}
