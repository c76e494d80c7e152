/** Watches what a writer reads while it holds its log's lock. */

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";

/** The real file system, and what is read under the lock of the log at `path`: whole files but owners', and more than `bytes`. */
export function watchedLock(
  path: string,
  bytes: number,
): { readonly files: AuditFiles; readonly readUnderLock: string[] } {
  let isHeld = false;
  const readUnderLock: string[] = [];
  const files: AuditFiles = {
    ...nodeFiles,
    link(existing, created) {
      nodeFiles.link(existing, created);
      isHeld ||= created === `${path}-lock`;
    },
    unlink(name) {
      if (name === `${path}-lock`) isHeld = false;
      nodeFiles.unlink(name);
    },
    readFile(name) {
      if (isHeld && !name.includes("-owner.")) readUnderLock.push(name);
      return nodeFiles.readFile(name);
    },
    read(fd, start, end, space) {
      if (isHeld && end - start > bytes) readUnderLock.push(`${end - start} bytes`);
      return nodeFiles.read(fd, start, end, space);
    },
  };
  return { files, readUnderLock };
}
