import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { LogLock } from "../../src/audit/file/lock.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { currentOwner, judgeOwner, type Owner } from "../../src/audit/file/owner.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { WriterProcess } from "./child.ts";
import { nonceOf } from "./nonce.ts";
import {
  decision,
  expectOneChain,
  filesBeside,
  newLogPath,
  placeLog,
  sampleFiles,
  temporaryDirectory,
} from "./sample-log.ts";

const { closed } = await sampleFiles();
const hasProc = existsSync("/proc/self/stat");

/** Takes the lock, looks whether it is really there, and lets go; `undefined` when it could not be had. */
function take(path: string): Owner | undefined {
  const lock = new LogLock(nodeFiles, path);
  lock.prepare();
  try {
    return lock.holdNow(() => ownerIn(`${path}-lock`));
  } finally {
    lock.dispose();
  }
}

function ownerIn(file: string): Owner {
  return JSON.parse(readFileSync(file, "utf8")) as Owner;
}

/** Puts an owner file of a writer that is not there, and the lock if it holds it. */
function leave(path: string, owner: Owner, ...links: readonly string[]): void {
  const file = `${path}-owner.${owner.nonce}`;
  writeFileSync(file, `${JSON.stringify(owner)}\n`);
  for (const name of links) linkSync(file, `${path}-${name}`);
}

/** A writer process that has the lock and keeps it. */
async function lockingProcess(path: string): Promise<WriterProcess> {
  const child = new WriterProcess({ path, end: "hold the lock" });
  await child.says("waiting");
  return child;
}

/** An owner that can't be: Linux gives its processes numbers below 2^22. */
const dead: Owner = { ...currentOwner(), pid: 2 ** 22 + 1, started: "1", nonce: nonceOf("dead") };

describe("the lock", () => {
  it("names its owner while it is held, and is gone afterwards", () => {
    const path = placeLog(closed);
    const owner = take(path);
    expect(owner).toMatchObject({ pid: process.pid, nonce: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });

  it("is let go when what was done under it throws", () => {
    const path = placeLog(closed);
    const lock = new LogLock(nodeFiles, path);
    lock.prepare();
    expect(() =>
      lock.holdNow(() => {
        throw new Error("on purpose");
      }),
    ).toThrow("on purpose");
    expect(filesBeside(path)).toEqual(["audit.db", expect.stringMatching(/^audit\.db-owner\./)]);
    lock.dispose();
  });

  it("is not taken from a process that lives, and is free once that is killed", async () => {
    const path = placeLog(closed);
    const child = await lockingProcess(path);
    const before = readFileSync(`${path}-lock`, "utf8");
    expect(take(path)).toBeUndefined();
    expect(readFileSync(`${path}-lock`, "utf8")).toBe(before);
    child.process.kill("SIGSTOP");
    expect(take(path)).toBeUndefined();
    expect(readFileSync(`${path}-lock`, "utf8")).toBe(before);
    await child.killed();
    expect(take(path)).toMatchObject({ pid: process.pid });
    const log = new AuditLog(path);
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    await log.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });

  it.skipIf(!hasProc)("is cleared from a zombie: it has died, though its number is not yet free (needs /proc)", () => {
    const path = placeLog(closed);
    // A child is not waited for until the event loop turns, which it does not in here.
    const child = new WriterProcess({ path });
    const { pid } = child;
    child.process.kill("SIGKILL");
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    leave(path, { ...currentOwner(), pid, started: "5", nonce: nonceOf("zombie") }, "lock");
    expect(take(path)).toMatchObject({ pid: process.pid });
  });

  it("that somebody has is waited for, and what is done under it then begins at the moment it is taken", async () => {
    const path = placeLog(closed);
    leave(path, { ...currentOwner(), thread: currentOwner().thread + 1, nonce: nonceOf("other") }, "lock");
    const seen: string[] = [];
    const link = (existing: string, created: string): void => {
      seen.push("asked for");
      nodeFiles.link(existing, created);
      // Whatever else of this thread could come in between.
      queueMicrotask(() => seen.push("something else"));
    };
    const lock = new LogLock({ ...nodeFiles, link }, path);
    lock.prepare();
    const held = lock.hold(() => seen.push("held"));
    setTimeout(() => unlinkSync(`${path}-lock`), 5);
    await held;
    lock.dispose();
    expect(seen).toEqual(["asked for", "asked for", "held", "something else"]);
  });

  it("of a dead owner is taken by whoever waits for it", async () => {
    const path = placeLog(closed);
    leave(path, dead, "lock");
    const lock = new LogLock(nodeFiles, path);
    lock.prepare();
    expect(await lock.hold(() => ownerIn(`${path}-lock`))).toMatchObject({ pid: process.pid });
    lock.dispose();
    expect(filesBeside(path)).toEqual(["audit.db", `audit.db-owner.${nonceOf("dead")}`]);
  });

  describe("left by", () => {
    const here = currentOwner();
    const EARLIER_BOOT = "00000000-0000-0000-0000-000000000000";

    it.each<[string, Partial<Owner>]>([
      ["a process that is gone", { pid: dead.pid, started: "1" }],
      ["a process whose number another one has now", { pid: process.ppid, started: "1" }],
      // Without a machine id nobody knows whose restart it was.
      ...(here.machine === ""
        ? []
        : [["a process before the last restart of this host", { boot: EARLIER_BOOT }] as [string, Partial<Owner>]]),
      ["an earlier process of this number", { started: "1" }],
      ["another writer of this very thread", {}],
    ])("%s is cleared away", (_name, difference) => {
      const path = placeLog(closed);
      leave(path, { ...here, nonce: nonceOf("left"), ...difference }, "lock");
      expect(take(path)).toMatchObject({ nonce: expect.not.stringMatching(nonceOf("left")) });
      expect(filesBeside(path)).toEqual(["audit.db", `audit.db-owner.${nonceOf("left")}`]);
    });

    it.each<[string, Partial<Owner>]>([
      ["another host", { host: "elsewhere.example" }],
      ["another host that was restarted", { host: "elsewhere.example", boot: "other", pid: dead.pid }],
      ["another host of this name", { machine: "f".repeat(32), boot: EARLIER_BOOT }],
      ["a host of this name that does not say which it is", { machine: "", boot: EARLIER_BOOT }],
      ["another pid namespace, as another container's", { namespace: "pid:[1]", pid: dead.pid }],
      ["another thread of this process", { thread: here.thread + 1 }],
      ["a process that lives", { pid: process.ppid, started: "", task: "" }],
      ["a process of another user, or init", { pid: 1, started: "", task: "" }],
    ])("%s stays", (_name, difference) => {
      const path = placeLog(closed);
      leave(path, { ...here, nonce: nonceOf("left"), ...difference }, "lock");
      const before = readFileSync(`${path}-lock`, "utf8");
      expect(take(path)).toBeUndefined();
      expect(readFileSync(`${path}-lock`, "utf8")).toBe(before);
      expect(filesBeside(path)).toEqual(["audit.db", "audit.db-lock", `audit.db-owner.${nonceOf("left")}`]);
    });

    it.each([
      ["nothing", ""],
      ["zeros", "\0".repeat(64)],
      ["no JSON", "hello"],
      ["no object", "null"],
      ["half an owner", JSON.stringify(here).slice(0, 40)],
      ["an owner without a nonce", JSON.stringify({ ...here, nonce: undefined })],
      ["an owner whose nonce is another path", JSON.stringify({ ...dead, nonce: "x/../../victim" })],
      ["a number that is text", JSON.stringify({ ...here, pid: String(dead.pid) })],
    ])("somebody whose file says %s stays", (_name, text) => {
      const path = placeLog(closed);
      writeFileSync(`${path}-lock`, text);
      expect(take(path)).toBeUndefined();
      expect(readFileSync(`${path}-lock`, "utf8")).toBe(text);
      unlinkSync(`${path}-lock`);
      expect(take(path)).toBeDefined();
    });
  });

  describe("of a dead owner, while another process clears it away,", () => {
    const here = currentOwner();

    it("is taken after that one has died too", () => {
      const path = placeLog(closed);
      leave(path, { ...dead, nonce: nonceOf("one") }, "lock");
      leave(path, { ...dead, nonce: nonceOf("two") }, `reap.${nonceOf("one")}`);
      expect(take(path)).toMatchObject({ pid: process.pid });
      expect(filesBeside(path)).toEqual([
        "audit.db",
        `audit.db-owner.${nonceOf("one")}`,
        `audit.db-owner.${nonceOf("two")}`,
      ]);
    });

    it("is taken after a whole row of them have died", () => {
      const path = placeLog(closed);
      leave(path, { ...dead, nonce: nonceOf("one") }, "lock");
      leave(path, { ...dead, nonce: nonceOf("two") }, `reap.${nonceOf("one")}`);
      leave(path, { ...dead, nonce: nonceOf("three") }, `reap.${nonceOf("two")}`);
      leave(path, { ...dead, nonce: nonceOf("four") }, `reap.${nonceOf("three")}`);
      expect(take(path)).toMatchObject({ pid: process.pid });
      expect(filesBeside(path).filter((name) => !name.includes("-owner."))).toEqual(["audit.db"]);
    });

    it.each<[string, Partial<Owner>]>([
      ["lives", { pid: process.ppid, started: "", task: "" }],
      ["can't be judged", { host: "elsewhere.example" }],
    ])("is left to that one as long as it %s", (_name, difference) => {
      const path = placeLog(closed);
      leave(path, { ...dead, nonce: nonceOf("one") }, "lock");
      leave(path, { ...here, nonce: nonceOf("two"), ...difference }, `reap.${nonceOf("one")}`);
      expect(take(path)).toBeUndefined();
      expect(filesBeside(path).filter((name) => !name.includes("-owner."))).toEqual([
        "audit.db",
        "audit.db-lock",
        `audit.db-reap.${nonceOf("one")}`,
      ]);
    });

    it("is not confused with the lock of whoever came next", () => {
      const path = placeLog(closed);
      leave(path, { ...dead, nonce: nonceOf("one") });
      leave(path, { ...here, pid: process.ppid, started: "", task: "", nonce: nonceOf("two") }, "lock");
      expect(take(path)).toBeUndefined();
      expect(ownerIn(`${path}-lock`).nonce).toBe(nonceOf("two"));
    });
  });
});

describe("opening a log", () => {
  it("removes what dead writers left, and nothing of any other", async () => {
    const path = placeLog(closed);
    const child = new WriterProcess({ path, appends: 3, end: "wait" });
    await child.says("waiting");
    const [owner = ""] = filesBeside(path).filter((name) => name.includes("-owner."));
    const nonce = owner.replace("audit.db-owner.", "");
    for (const purpose of ["database", "tail"]) writeFileSync(`${path}-${purpose}.${nonce}`, "in the making");
    const others = [
      "audit.db-owner.garbled",
      "audit.db-database.garbled",
      `audit.db-database.${nonceOf("far")}`,
      "audit.db-torn.1.1",
      "audit.db-notes",
      `other.db-owner.${nonceOf("dead")}`,
    ];
    for (const name of others) writeFileSync(join(path, "..", name), "hello");
    leave(path, { ...currentOwner(), host: "elsewhere.example", nonce: nonceOf("far") });
    const first = new AuditLog(path);
    await first.append(decision());
    expect(filesBeside(path)).toEqual(
      expect.arrayContaining([owner, `audit.db-database.${nonce}`, `audit.db-tail.${nonce}`]),
    );
    await child.killed();
    await first.close();
    const second = new AuditLog(path);
    await second.append(decision());
    await second.close();
    expect(filesBeside(path)).toEqual(["audit.db", `audit.db-owner.${nonceOf("far")}`, ...others].toSorted());
    expect(expectOneChain(path)).toHaveLength(5 + 3 + 2);
  });

  it("removes nothing that an owner file names elsewhere", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "logs"));
    const [path, victim] = [join(directory, "logs", "audit.db"), join(directory, "victim")];
    writeFileSync(victim, "mine");
    for (const nonce of ["x/../../victim", "../victim", ""]) {
      const name = `${path}-owner.${nonceOf("planted")}`;
      writeFileSync(name, JSON.stringify({ ...dead, nonce }));
      const log = new AuditLog(path);
      await log.append(decision());
      await log.close();
      expect(existsSync(name)).toBe(true);
      expect(existsSync(victim)).toBe(true);
    }
  });

  it("clears the lock of a writer that was killed with it", async () => {
    const path = placeLog(closed);
    const child = await lockingProcess(path);
    await child.killed();
    const log = new AuditLog(path);
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    await log.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });
});

describe("two processes", () => {
  it("that append at the same time make one chain", async () => {
    const path = newLogPath();
    const orders = { path, appends: 200, together: 5, begin: "when told" } as const;
    const children = ["one", "two"].map((actor) => new WriterProcess({ ...orders, actor }));
    for (const child of children) await child.says("ready");
    for (const child of children) child.tell();
    for (const child of children) {
      expect(await child.ended(), child.errors).toBe(0);
      expect(child.acknowledged).toHaveLength(200);
    }
    expect(filesBeside(path)).toEqual(["audit.db"]);
    const stored = expectOneChain(path);
    expect(stored).toHaveLength(401);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 400 });
    const hashes = new Map(stored.map(({ seq, hash }) => [seq, hash]));
    for (const { seq, hash } of children.flatMap((child) => child.acknowledged)) expect(hashes.get(seq)).toBe(hash);
    const actors = stored.map(({ body }) => (JSON.parse(body) as { actor?: string }).actor);
    expect(actors.filter((actor) => actor === "one")).toHaveLength(200);
  });

  it("go on behind each other's folds", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision());
    for (let round = 0; round < 3; round += 1) {
      const child = new WriterProcess({ path, appends: 2 });
      expect(await child.ended(), child.errors).toBe(0);
      // It has folded what we had in the tail.
      expect(filesBeside(path)).not.toContain("audit.db-tail");
      await log.append(decision());
    }
    await log.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(expectOneChain(path)).toHaveLength(1 + 1 + 3 * 3);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 10 });
  });
});

describe("an owner", () => {
  it("is this process, told from its earlier and later namesakes", () => {
    const owner = currentOwner();
    expect(owner.pid).toBe(process.pid);
    expect(currentOwner()).toEqual({ ...owner, nonce: expect.not.stringMatching(owner.nonce) });
    expect(judgeOwner(owner, owner)).toBe("alive");
  });
});
