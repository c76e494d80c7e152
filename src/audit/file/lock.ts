/**
 * The log's lock: a hard link (POSIX link(2), which fails if the name is taken) from `audit.db-lock` to a file that
 * names its owner. It is held only within synchronous code, for the microseconds of one write or the milliseconds of
 * putting a new database in place, so a holder whose event loop is busy never seems dead. What takes longer is read before;
 * only where others were quicker again and again is it read under the lock. A holder that is certainly dead is cleared away;
 * one that can't be judged is waited for.
 */

import { basename, dirname, join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

import { AuditUnavailableError } from "../../errors.ts";
import { errorCode } from "../../file-problem.ts";
import { unlinkIfThere, type AuditFiles } from "./files.ts";
import {
  currentOwner,
  describeOwner,
  formatOwner,
  isSameProcess,
  judgeOwner,
  parseOwner,
  type Owner,
} from "./owner.ts";

/** How long to wait for another owner, in milliseconds. A stopped process keeps its lock; this is how long we wait for it. */
const PATIENCE_MS = 15_000;

/**
 * For so many milliseconds it is tried again after naps of so many: most hold it for less than a timer's shortest pause.
 * A nap blocks the thread.
 */
const NAPS_MS = 2;
const NAP_MS = 0.05;
const NAP = new Int32Array(new SharedArrayBuffer(4));

/** After this many milliseconds its holder is looked at, too: until then it is most likely another one each time. */
const LONG_MS = 20;

/** The longest pause between two tries, in milliseconds, but for what is random in it. */
const MAX_PAUSE_MS = 20;

/** How long the end of a process waits for it; what is not folded then stays in the tail. */
const LAST_PATIENCE_MS = 200;

/** What a writer's own files beside the log are for: its owner file, and the database and tail it is making. */
const PURPOSES = ["database", "tail", "owner"] as const;
type Purpose = (typeof PURPOSES)[number];

/** Another owner kept the lock for longer than we wait. Nothing was read or written. */
export class LockHeldError extends AuditUnavailableError {}

/** The lock of one log, for one writer. */
export class LogLock {
  readonly #files: AuditFiles;
  readonly #log: string;
  readonly #owner: Owner = currentOwner();

  constructor(files: AuditFiles, log: string) {
    this.#files = files;
    this.#log = log;
  }

  /** A name beside the log that no other writer uses. */
  ownName(purpose: Purpose): string {
    return `${this.#log}-${purpose}.${this.#owner.nonce}`;
  }

  get #ownerFile(): string {
    return this.ownName("owner");
  }

  get #lockFile(): string {
    return `${this.#log}-lock`;
  }

  /** Writes the owner file. To be called once, before the lock is first taken. */
  prepare(): void {
    // Others who may write the log must be able to tell whether we live.
    const fd = this.#files.create(this.#ownerFile, {
      mode: 0o644,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
    });
    try {
      this.#files.append(fd, formatOwner(this.#owner));
      // After a power loss a lock with no readable owner could never be judged.
      this.#files.sync(fd);
    } finally {
      this.#files.close(fd);
    }
  }

  /** Removes the owner file. Never throws: the next writer to open the log removes what is left. */
  dispose(): void {
    for (const purpose of PURPOSES) {
      try {
        unlinkIfThere(this.#files, this.ownName(purpose));
      } catch {
        // See above.
      }
    }
  }

  /** Removes the owner files, and the files in the making, of processes that have certainly ended. */
  clearLeftovers(): void {
    const directory = dirname(this.#log);
    const prefix = `${basename(this.#log)}-`;
    const names = this.#files.list(directory).filter((name) => name.startsWith(prefix));
    for (const name of names.filter((each) => each.startsWith(`${prefix}owner.`))) {
      const owner = this.#readOwner(join(directory, name));
      if (owner === undefined || isSameProcess(owner, this.#owner)) continue;
      if (judgeOwner(owner, this.#owner) !== "dead") continue;
      for (const purpose of PURPOSES) unlinkIfThere(this.#files, join(directory, `${prefix}${purpose}.${owner.nonce}`));
    }
  }

  /**
   * Runs `section`, which must be synchronous, while holding the lock. Waits for it, clearing away dead owners.
   *
   * @throws LockHeldError when the lock is not free after 15 seconds; what node:fs throws when it can't be taken at all.
   */
  async hold<T>(section: () => T): Promise<T> {
    const start = performance.now();
    for (let tries = 0; !this.#tryTake(tries, start); tries += 1) await pause(performance.now() - start);
    // In one go with the taking: nothing else of this thread may run in between.
    return this.#run(section);
  }

  /** Takes the lock if that can be done, after so many tries since `start`. @throws LockHeldError when that is long ago. */
  #tryTake(tries: number, start: number): boolean {
    // Later on it is probably still taken, and a look is cheaper than an error.
    const isFree = tries === 0 || this.#files.identify(this.#lockFile) === undefined;
    if (isFree && this.#link(this.#lockFile)) return true;
    const waited = performance.now() - start;
    if (waited < LONG_MS) return false;
    if (this.#takeFromDead()) return true;
    if (waited > PATIENCE_MS) throw this.#refusal();
    return false;
  }

  /** The same without waiting for the event loop, for the end of the process; `undefined` when the lock stays taken. */
  holdNow<T>(section: () => T): T | undefined {
    const deadline = performance.now() + LAST_PATIENCE_MS;
    while (!this.#link(this.#lockFile) && !this.#takeFromDead()) {
      if (performance.now() > deadline) return undefined;
      nap(1);
    }
    return this.#run(section);
  }

  #run<T>(section: () => T): T {
    try {
      return section();
    } finally {
      this.#files.unlink(this.#lockFile);
    }
  }

  /** Takes the lock if its holder is certainly dead. */
  #takeFromDead(): boolean {
    const holder = this.#readOwner(this.#lockFile);
    if (holder === undefined || judgeOwner(holder, this.#owner) !== "dead") return false;
    this.#clear(this.#lockFile, holder);
    return this.#link(this.#lockFile);
  }

  #link(name: string): boolean {
    try {
      this.#files.link(this.#ownerFile, name);
      return true;
    } catch (error) {
      if (errorCode(error) === "EEXIST") return false;
      throw error;
    }
  }

  #readOwner(name: string): Owner | undefined {
    try {
      return parseOwner(this.#files.readFile(name).toString("utf8"));
    } catch (error) {
      if (["ENOENT", "EACCES"].includes(errorCode(error) ?? "")) return undefined;
      throw error;
    }
  }

  /**
   * Removes `name` if the dead owner still has it. Whoever removes a dead owner's file first takes a second lock that
   * bears the dead owner's nonce; so between our look and our removal nobody else can have removed it and a live owner
   * taken it. If the second lock's holder died too, it is cleared away in the same manner.
   */
  #clear(name: string, dead: Owner): void {
    const guard = `${this.#log}-reap.${dead.nonce}`;
    if (!this.#link(guard)) {
      const reaper = this.#readOwner(guard);
      if (reaper !== undefined && judgeOwner(reaper, this.#owner) === "dead") this.#clear(guard, reaper);
      return;
    }
    try {
      if (this.#readOwner(name)?.nonce === dead.nonce) this.#files.unlink(name);
    } finally {
      this.#files.unlink(guard);
    }
  }

  /**
   * Waits for a moment in which nobody holds it; who has certainly died counts as nobody. Takes nothing, so whoever may only
   * read can ask: what was read before, and is still there, is not taken back any more.
   *
   * @throws LockHeldError when there is none for 15 seconds.
   */
  async untilFree(): Promise<void> {
    const start = performance.now();
    for (let holder = this.inspect(); holder !== undefined && holder.state !== "dead"; holder = this.inspect()) {
      const waited = performance.now() - start;
      if (waited > PATIENCE_MS) throw this.#refusal();
      await pause(waited);
    }
  }

  /** Who holds the lock, and whether that is certain to be alive or dead; `undefined` when it is free. */
  inspect(): { readonly owner: Owner | undefined; readonly state: "dead" | "alive" | "unknown" } | undefined {
    if (this.#files.identify(this.#lockFile) === undefined) return undefined;
    const owner = this.#readOwner(this.#lockFile);
    return { owner, state: owner === undefined ? "unknown" : judgeOwner(owner, this.#owner) };
  }

  /** Removes the lock from an owner that a person knows to be dead. Nothing happens if somebody else has it by now. */
  breakFrom(owner: Owner | undefined): void {
    if (owner !== undefined) {
      this.#clear(this.#lockFile, owner);
      for (const purpose of PURPOSES) unlinkIfThere(this.#files, `${this.#log}-${purpose}.${owner.nonce}`);
    } else if (this.#readOwner(this.#lockFile) === undefined) {
      unlinkIfThere(this.#files, this.#lockFile);
    }
  }

  #refusal(): LockHeldError {
    const { owner, state } = this.inspect() ?? {};
    const who = owner === undefined ? "an owner that its lock file does not name" : describeOwner(owner);
    const advice =
      state === "unknown"
        ? "It cannot be looked at from here; if it has certainly ended, run capfence unlock"
        : "Let it go on, or end it";
    return new LockHeldError(this.#log, `locked for over ${PATIENCE_MS / 1000} seconds by ${who}. ${advice}`);
  }
}

/** Pauses before another try, after so many milliseconds of them. */
async function pause(waited: number): Promise<void> {
  if (waited < NAPS_MS) {
    nap(NAP_MS);
    await nextTurn();
  } else {
    // Who holds it for long may be stopped, and then there is no hurry. A random pause keeps waiting processes out of step.
    await sleep(Math.min(1 + waited / 50, MAX_PAUSE_MS) * (1 + Math.random() / 2));
  }
}

/** Blocks the thread for so many milliseconds. */
function nap(milliseconds: number): void {
  Atomics.wait(NAP, 0, 0, milliseconds);
}
