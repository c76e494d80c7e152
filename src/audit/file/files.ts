/** The few file-system calls the audit log is made of, in one place, so that tests can make each of them fail. */

import * as fs from "node:fs";

import { errorCode, fileProblem } from "../../file-problem.ts";

/** What tells one file from another under the same name, whether it has grown, and whose it is. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  /** When anything about it last changed, its names included; nanoseconds. Nobody can set it. */
  readonly changed: bigint;
  /** When it was last written to; nanoseconds. */
  readonly written: bigint;
  /** Bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whether it is an ordinary file, and not a directory, a pipe or a device. */
  readonly ordinary: boolean;
}

/** The file-system calls of the audit log. Synchronous unless they return a promise; they throw what node:fs throws. */
export interface AuditFiles {
  /**
   * Creates a file that must not exist and opens it for appending. It gets the permissions and the owner of `like`, or
   * else belongs to this user alone.
   */
  create(path: string, like?: Pick<FileIdentity, "mode" | "uid" | "gid">): number;
  /** Opens an existing file for reading and appending. */
  openAppend(path: string): number;
  /** Opens an existing file for reading only. */
  openRead(path: string): number;
  /** Writes all of `data` at the end of the file. */
  append(fd: number, data: Uint8Array): void;
  /** The bytes from `start` up to `end`; fewer when the file is shorter. Put into `space`, if that is given and large enough. */
  read(fd: number, start: number, end: number, space?: Buffer): Buffer;
  readFile(path: string): Buffer;
  /** The names in a directory. */
  list(directory: string): string[];
  truncate(fd: number, size: number): void;
  /** Flushes data and size to the device (POSIX fdatasync). */
  sync(fd: number): void;
  /** The same without blocking the event loop. */
  syncLater(fd: number): Promise<void>;
  close(fd: number): void;
  /** `undefined` when there is no such file. */
  identify(path: string): FileIdentity | undefined;
  /** Which file this is, whatever has its name by now. */
  identifyOpen(fd: number): FileIdentity;
  link(existing: string, created: string): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes the directory's entries durable. Refused by some systems, which is tolerated. */
  syncDirectory(path: string): void;
}

/** The real file system. */
export const nodeFiles: AuditFiles = {
  create(path, like) {
    const fd = fs.openSync(path, "ax+", 0o600);
    if (like === undefined) return fd;
    try {
      // Root folding a user's log must not take it away from the user.
      if (process.geteuid?.() === 0) fs.fchownSync(fd, like.uid, like.gid);
      fs.fchmodSync(fd, like.mode);
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  },
  openAppend: (path) => fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_APPEND),
  openRead: (path) => fs.openSync(path, "r"),
  append(fd, data) {
    for (let written = 0; written < data.length;) {
      written += fs.writeSync(fd, data, written, data.length - written);
    }
  },
  read(fd, start, end, space) {
    const length = Math.max(0, end - start);
    const buffer =
      space !== undefined && space.length >= length ? space.subarray(0, length) : Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < buffer.length) {
      const got = fs.readSync(fd, buffer, filled, buffer.length - filled, start + filled);
      if (got === 0) break;
      filled += got;
    }
    return buffer.subarray(0, filled);
  },
  readFile: (path) => fs.readFileSync(path),
  list: (directory) => fs.readdirSync(directory),
  truncate: (fd, size) => fs.ftruncateSync(fd, size),
  sync: (fd) => fs.fdatasyncSync(fd),
  syncLater: (fd) =>
    new Promise((resolve, reject) => {
      fs.fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
    }),
  close: (fd) => fs.closeSync(fd),
  identify(path) {
    const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : identityOf(stat);
  },
  identifyOpen: (fd) => identityOf(fs.fstatSync(fd, { bigint: true })),
  link: (existing, created) => fs.linkSync(existing, created),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  syncDirectory(path) {
    let fd: number | undefined;
    try {
      fd = fs.openSync(path, "r");
      fs.fsyncSync(fd);
    } catch (error) {
      // Windows cannot open a directory, and some file systems refuse to sync one; rename is then all there is.
      if (!isRefusedDirectorySync(error)) throw error;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  },
};

function identityOf(stat: fs.BigIntStats): FileIdentity {
  const { dev, ino, ctimeNs, mtimeNs, size, mode, uid, gid } = stat;
  return {
    dev,
    ino,
    changed: ctimeNs,
    written: mtimeNs,
    size: Number(size),
    mode: Number(mode & 0o777n),
    uid: Number(uid),
    gid: Number(gid),
    ordinary: stat.isFile(),
  };
}

function isRefusedDirectorySync(error: unknown): boolean {
  return ["EISDIR", "EPERM", "EINVAL", "ENOTSUP", "EACCES"].includes(errorCode(error) ?? "");
}

const ADVICE: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOENT", "Create its directory, or name another path"],
  ["ENOTDIR", "Name another path"],
  ["EISDIR", "Name a file"],
  ["EACCES", "Let this user read and write it and its directory, or name another path"],
  ["EPERM", "Let this user read and write it and its directory, or name another path"],
  ["EROFS", "Name another path"],
  ["ENOSPC", "Make room, then start again"],
  ["EDQUOT", "Make room, then start again"],
]);

/** Says in words what a failed file-system call means for the log, and what to do. */
export function explainFileError(error: unknown): string {
  const advice = ADVICE.get(errorCode(error));
  return advice === undefined ? fileProblem(error) : `${fileProblem(error)}. ${advice}`;
}

/**
 * Whether two looks at a name found the same file, whatever its size. Holds only where the file is kept open between them:
 * a new file may get the number of one that has gone.
 */
export function isSameFile(left: FileIdentity | undefined, right: FileIdentity | undefined): boolean {
  return left !== undefined && right !== undefined && left.ino === right.ino && left.dev === right.dev;
}

/** Whether it is the same file, which nobody has written to in between, whatever became of its names. */
export function isUnwritten(left: FileIdentity | undefined, right: FileIdentity | undefined): boolean {
  return isSameFile(left, right) && left?.written === right?.written && left?.size === right?.size;
}

/** Whether nothing has happened to a file between two looks at its name, though it was not kept open. */
export function isUntouched(left: FileIdentity | undefined, right: FileIdentity | undefined): boolean {
  return isSameFile(left, right) && left?.changed === right?.changed && left?.size === right?.size;
}

/** Removes a file, if it is there. */
export function unlinkIfThere(files: AuditFiles, path: string): void {
  try {
    files.unlink(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}
