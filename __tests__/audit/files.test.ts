import fs, { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { FileStore } from "../../src/audit/file/file-store.ts";
import {
  explainFileError,
  isSameFile,
  isUntouched,
  isUnwritten,
  nodeFiles,
  type FileIdentity,
} from "../../src/audit/file/files.ts";
import { placeLog, sampleFiles, temporaryDirectory } from "./sample-log.ts";

const { genesis, tail } = await sampleFiles();

/** Puts another function in the place of one of node:fs until the test is over. */
function replaced(name: "fsyncSync" | "fchownSync" | "fchmodSync", by: (...values: never[]) => unknown): void {
  const spy = vi.spyOn(fs, name).mockImplementation(by as never);
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
}

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("the file system", () => {
  it("makes a file that is not there, with the permissions it is told, or for this user alone", () => {
    const directory = temporaryDirectory();
    const { geteuid = () => 0, getegid = () => 0 } = process;
    const like = { mode: 0o640, uid: geteuid(), gid: getegid() };
    for (const [name, mode, as] of [
      ["alone", 0o600, undefined],
      ["shared", 0o640, like],
    ] as const) {
      const path = join(directory, name);
      const fd = nodeFiles.create(path, as);
      nodeFiles.append(fd, Buffer.from("text"));
      expect(nodeFiles.read(fd, 0, 4).toString()).toBe("text");
      nodeFiles.close(fd);
      expect(statSync(path).mode & 0o777).toBe(mode);
      expect(() => nodeFiles.create(path, as)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    }
  });

  it("reads what it is asked for, as far as it goes, into the space that it is given", () => {
    const path = join(temporaryDirectory(), "file");
    writeFileSync(path, "0123456789");
    const fd = nodeFiles.openRead(path);
    const read = (start: number, end: number, space?: Buffer): string =>
      nodeFiles.read(fd, start, end, space).toString();
    expect([read(0, 10), read(3, 5), read(8, 20), read(10, 12), read(5, 3)]).toEqual([
      "0123456789",
      "34",
      "89",
      "",
      "",
    ]);
    for (const [size, isUsed] of [
      [10, true],
      [4, true],
      [3, false],
    ] as const) {
      const space = Buffer.alloc(size, "-");
      expect(read(2, 6, space)).toBe("2345");
      expect(space.toString().startsWith("2345")).toBe(isUsed);
    }
    nodeFiles.close(fd);
  });

  it("appends to a file that is there, and cuts it", () => {
    const path = join(temporaryDirectory(), "file");
    expect(() => nodeFiles.openAppend(path)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    writeFileSync(path, "01");
    const fd = nodeFiles.openAppend(path);
    nodeFiles.append(fd, Buffer.from("23"));
    nodeFiles.append(fd, Buffer.alloc(0));
    nodeFiles.truncate(fd, 3);
    nodeFiles.append(fd, Buffer.from("4"));
    nodeFiles.close(fd);
    expect(readFileSync(path, "utf8")).toBe("0124");
  });

  it("tells files apart, and what is no file", () => {
    const directory = temporaryDirectory();
    const path = join(directory, "file");
    expect(nodeFiles.identify(path)).toBeUndefined();
    writeFileSync(path, "0123");
    chmodSync(path, 0o640);
    const { ino, dev, ctimeNs, mtimeNs, uid, gid } = statSync(path, { bigint: true });
    expect(nodeFiles.identify(path)).toEqual({
      ino,
      changed: ctimeNs,
      written: mtimeNs,
      dev,
      uid: Number(uid),
      gid: Number(gid),
      mode: 0o640,
      size: 4,
      ordinary: true,
    });
    expect(nodeFiles.identify(directory)).toMatchObject({ ordinary: false });
  });

  it.each([
    [{}, "same unwritten untouched"],
    [{ mode: 0 }, "same unwritten untouched"],
    [{ changed: 2n }, "same unwritten"],
    [{ changed: 2n, written: 2n }, "same"],
    [{ changed: 2n, size: 7 }, "same"],
    [{ ino: 2n }, ""],
    [{ dev: 2n }, ""],
  ])("takes two looks for one file where number and device are the same: %#", (other, what) => {
    const rest = { size: 0, mode: 0o600, uid: 0, gid: 0, ordinary: true };
    const file: FileIdentity = { ino: 1n, dev: 1n, changed: 1n, written: 1n, ...rest };
    const questions = { same: isSameFile, unwritten: isUnwritten, untouched: isUntouched };
    const yes = Object.entries(questions).filter(([, question]) => question(file, { ...file, ...other }));
    expect(yes.map(([name]) => name).join(" ")).toBe(what);
    for (const question of Object.values(questions)) {
      expect(question(undefined, file)).toBe(false);
      expect(question(file, undefined)).toBe(false);
      expect(question(undefined, undefined)).toBe(false);
    }
  });

  it("flushes a file and a directory, and says when it can't", async () => {
    const directory = temporaryDirectory();
    const fd = nodeFiles.create(join(directory, "file"));
    nodeFiles.sync(fd);
    await nodeFiles.syncLater(fd);
    nodeFiles.close(fd);
    nodeFiles.syncDirectory(directory);
    expect(() => nodeFiles.sync(fd)).toThrow(expect.objectContaining({ code: "EBADF" }));
    await expect(nodeFiles.syncLater(fd)).rejects.toMatchObject({ code: "EBADF" });
    expect(() => nodeFiles.syncDirectory(join(directory, "absent"))).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
  });

  it.each([
    ["EISDIR", true],
    ["EPERM", true],
    ["EINVAL", true],
    ["ENOTSUP", true],
    ["EACCES", true],
    ["EIO", false],
    [undefined, false],
  ])("takes %s from flushing a directory for a system that can't: %s", (code, isTolerated) => {
    const directory = temporaryDirectory();
    const error = Object.assign(new Error("on purpose"), code === undefined ? {} : { code });
    replaced("fsyncSync", () => {
      throw error;
    });
    if (isTolerated) expect(() => nodeFiles.syncDirectory(directory)).not.toThrow();
    else expect(() => nodeFiles.syncDirectory(directory)).toThrow(error);
  });

  it.each([
    [0, 1],
    [1_000, 0],
  ])("gives what user %d makes to the log's owner, where that is root: %d times", (user, times) => {
    const path = join(temporaryDirectory(), "file");
    const given: unknown[] = [];
    replaced("fchownSync", (_fd: number, uid: number, gid: number) => given.push([uid, gid]));
    const spy = vi.spyOn(process as { geteuid: () => number }, "geteuid").mockReturnValue(user);
    onTestFinished(() => spy.mockRestore());
    nodeFiles.close(nodeFiles.create(path, { mode: 0o600, uid: 7, gid: 8 }));
    expect(given).toEqual(Array.from({ length: times }, () => [7, 8]));
  });

  it.skipIf(process.platform !== "linux")("keeps no file open that it could not give away", () => {
    const path = join(temporaryDirectory(), "file");
    replaced("fchmodSync", () => {
      throw new Error("on purpose");
    });
    const before = openFiles();
    const { geteuid = () => 0, getegid = () => 0 } = process;
    expect(() => nodeFiles.create(path, { mode: 0o600, uid: geteuid(), gid: getegid() })).toThrow("on purpose");
    expect(openFiles()).toBe(before);
  });

  it.skipIf(process.platform !== "linux")("keeps nothing open", async () => {
    const directory = temporaryDirectory();
    const before = openFiles();
    for (let n = 0; n < 5; n += 1) {
      nodeFiles.syncDirectory(directory);
      await new FileStore(placeLog(genesis, tail), { files: nodeFiles, now: Date.now }).flush();
    }
    expect(openFiles()).toBe(before);
  });

  it.each([
    ["ENOENT", "Create its directory, or name another path"],
    ["ENOTDIR", "Name another path"],
    ["EISDIR", "Name a file"],
    ["EACCES", "Let this user read and write it and its directory, or name another path"],
    ["EPERM", "Let this user read and write it and its directory, or name another path"],
    ["EROFS", "Name another path"],
    ["ENOSPC", "Make room, then start again"],
    ["EDQUOT", "Make room, then start again"],
  ])("says what to do about %s", (code, advice) => {
    const text = explainFileError(Object.assign(new Error("on purpose"), { code }));
    expect(text.endsWith(`. ${advice}`)).toBe(true);
  });

  it("has no advice for what it does not know", () => {
    const text = explainFileError(Object.assign(new Error("on purpose"), { code: "EIO" }));
    expect(text).not.toMatch(/undefined|\. [A-Z]/);
  });
});
