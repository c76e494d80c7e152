import { existsSync, linkSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, vi } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { LockHeldError, LogLock } from "../../src/audit/file/lock.ts";
import { currentOwner, formatOwner, type Owner } from "../../src/audit/file/owner.ts";
import { breakLock, inspectLock } from "../../src/audit/file/unlock.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { systemUser } from "../../src/system-user.ts";
import { FaultyFiles } from "./faulty-files.ts";
import { nonceOf } from "./nonce.ts";
import { decision, expectOneChain, filesBeside, placeLog, sampleFiles } from "./sample-log.ts";

const { closed } = await sampleFiles();
const here = currentOwner();
const dead: Owner = { ...here, thread: 0, pid: 2 ** 22 + 1, started: "1", task: "", nonce: nonceOf("dead") };
const alive: Owner = { ...here, thread: 0, pid: process.ppid, started: "", task: "", nonce: nonceOf("alive") };
const far: Owner = { ...here, thread: 0, pid: 7, host: "elsewhere.example", nonce: nonceOf("far") };

/** A log that this owner has locked. */
function lockedBy(owner: Owner): string {
  const path = placeLog(closed);
  writeFileSync(`${path}-owner.${owner.nonce}`, formatOwner(owner));
  linkSync(`${path}-owner.${owner.nonce}`, `${path}-lock`);
  return path;
}

describe("a lock", () => {
  it.each([
    ["of nobody", undefined, undefined],
    ["of the dead", dead, undefined],
    ["of a process that lives", alive, { state: "alive", description: `process ${process.ppid} on ${here.host}` }],
    ["of another host", far, { state: "unknown", description: "process 7 on elsewhere.example" }],
  ] as const)("%s is shown to people as what it is", (_name, owner, shown) => {
    const path = owner === undefined ? placeLog(closed) : lockedBy(owner);
    expect(inspectLock(path)).toEqual(shown && { ...shown, owner });
  });

  it("that names nobody is shown as such, and removed with a record of who did it", async () => {
    const path = placeLog(closed);
    writeFileSync(`${path}-lock`, "\0\0");
    const held = inspectLock(path);
    expect(held).toEqual({ state: "unknown", description: "an unreadable lock file", owner: undefined });
    if (held !== undefined) await breakLock(path, held);
    expect(filesBeside(path)).toEqual(["audit.db"]);
    const last = JSON.parse(expectOneChain(path).at(-1)?.body ?? "") as Record<string, unknown>;
    expect(last).toMatchObject({ kind: "unlock", by: systemUser(), seq: 5 });
    expect(last).not.toHaveProperty("owner");
  });

  it("of another host is removed with all that its owner was making, and a record of whose it was", async () => {
    const path = lockedBy(far);
    for (const purpose of ["database", "tail"]) writeFileSync(`${path}-${purpose}.${far.nonce}`, "in the making");
    const held = inspectLock(path);
    if (held !== undefined) await breakLock(path, held);
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(JSON.parse(expectOneChain(path).at(-1)?.body ?? "")).toMatchObject({
      kind: "unlock",
      owner: { pid: 7, host: "elsewhere.example" },
    });
  });

  it("of a process that lives is not removed", async () => {
    const path = lockedBy(alive);
    const held = inspectLock(path);
    if (held === undefined) throw new Error("it is free");
    await expect(breakLock(path, held)).rejects.toThrow(
      new AuditUnavailableError(path, `process ${process.ppid} on ${here.host} is alive. End it instead`),
    );
    expect(filesBeside(path)).toEqual(["audit.db", "audit.db-lock", `audit.db-owner.${nonceOf("alive")}`]);
  });

  it("that somebody else has by now is not removed", () => {
    const path = lockedBy(alive);
    const lock = new LogLock(nodeFiles, path);
    lock.prepare();
    lock.breakFrom(far);
    lock.breakFrom(undefined);
    lock.dispose();
    expect(readFileSync(`${path}-lock`, "utf8")).toBe(formatOwner(alive).toString("utf8"));
  });

  it.each<readonly [Owner | undefined, string]>([
    [
      undefined,
      "an owner that its lock file does not name. It cannot be looked at from here; if it has certainly ended, run capfence unlock",
    ],
    [alive, `process ${process.ppid} on ${here.host}. Let it go on, or end it`],
    [
      far,
      "process 7 on elsewhere.example. It cannot be looked at from here; if it has certainly ended, run capfence unlock",
    ],
  ])("is waited for, fifteen seconds and no longer: %#", async (owner, who) => {
    const path = owner === undefined ? placeLog(closed) : lockedBy(owner);
    if (owner === undefined) writeFileSync(`${path}-lock`, "");
    const lock = new LogLock(nodeFiles, path);
    lock.prepare();
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const waiting = lock.hold(() => "held");
      vi.advanceTimersByTime(15_001);
      await expect(waiting).rejects.toThrow(new LockHeldError(path, `locked for over 15 seconds by ${who}`));
    } finally {
      vi.useRealTimers();
      lock.dispose();
    }
    const names = ["audit.db", "audit.db-lock", ...(owner === undefined ? [] : [`audit.db-owner.${owner.nonce}`])];
    expect(filesBeside(path)).toEqual(names);
  });

  it.each([
    ["link", "EPERM"],
    ["readFile", "EIO"],
  ] as const)("that can't be looked at is an error: %s answers %s", (method, code) => {
    const path = lockedBy(alive);
    const { files } = new FaultyFiles({ method, call: 1, code, manner: "before" });
    const lock = new LogLock(files, path);
    lock.prepare();
    expect(() => lock.holdNow(() => {})).toThrow(expect.objectContaining({ code }));
    lock.dispose();
  });

  it("whose owner file can't be removed is let go all the same", () => {
    const path = placeLog(closed);
    const { files } = new FaultyFiles({ method: "unlink", call: 3, code: "EACCES", manner: "before" });
    const lock = new LogLock(files, path);
    lock.prepare();
    expect(() => lock.dispose()).not.toThrow();
  });

  it("that is let go meanwhile is taken", async () => {
    const path = lockedBy(alive);
    const lock = new LogLock(nodeFiles, path);
    lock.prepare();
    const waiting = lock.hold(() => existsSync(`${path}-lock`));
    nodeFiles.unlink(`${path}-lock`);
    expect(await waiting).toBe(true);
    expect(existsSync(`${path}-lock`)).toBe(false);
    lock.dispose();
  });
});

it("opening a log removes what the dead were making, and nothing of any other", async () => {
  const path = placeLog(closed);
  const kept = [
    `other.db-owner.${dead.nonce}`,
    `other.db-tail.${dead.nonce}`,
    "audit.db-notes",
    "audit.db-owner.garbled",
  ];
  for (const name of kept) writeFileSync(join(path, "..", name), formatOwner(name.includes("garbled") ? far : dead));
  for (const owner of [dead, alive, far]) {
    writeFileSync(`${path}-owner.${owner.nonce}`, formatOwner(owner));
    for (const purpose of ["database", "tail"]) writeFileSync(`${path}-${purpose}.${owner.nonce}`, "in the making");
  }
  // One of this very process: another thread may be making it.
  const own = { ...here, thread: here.thread, nonce: nonceOf("own") };
  writeFileSync(`${path}-owner.${own.nonce}`, formatOwner(own));
  const log = new AuditLog(path);
  await log.append(decision());
  await log.close();
  const names = [alive, far].flatMap(({ nonce }) =>
    ["database", "owner", "tail"].map((made) => `audit.db-${made}.${nonce}`),
  );
  expect(filesBeside(path)).toEqual(["audit.db", `audit.db-owner.${nonceOf("own")}`, ...names, ...kept].toSorted());
});
