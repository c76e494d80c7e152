/** What a failed file-system call means, in words: one table for every room. */

/** The system's code of a file-system error, such as `ENOSPC`. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

const REASONS: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOENT", "there is no such file or directory"],
  ["ENOTDIR", "a part of its path is not a directory"],
  ["EISDIR", "it is a directory"],
  ["ELOOP", "its path is a loop of symbolic links"],
  ["EACCES", "this user may not do that"],
  ["EPERM", "this user may not do that"],
  ["EROFS", "it lies on a file system that can only be read"],
  ["EEXIST", "it exists already"],
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "this user's share of the disk is full"],
]);

/** Says in words why a file could not be read or written: half a sentence, and of any other error its message. */
export function fileProblem(error: unknown): string {
  return REASONS.get(errorCode(error)) ?? (error instanceof Error ? error.message : String(error));
}
