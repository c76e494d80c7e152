import { describe, expect, it, onTestFinished } from "vitest";

import { caughtUp } from "../../src/audit/file/caught-up.ts";
import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { fold } from "../../src/audit/file/fold.ts";
import type { FoldContext } from "../../src/audit/file/fold-context.ts";
import { doNow } from "../../src/audit/file/steps.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { contextOf } from "./fold-context.ts";
import { decision, expectOneChain, newLogPath } from "./sample-log.ts";

/** The real file system as one writer has it, which counts the looks and keeps what is open. */
class Watched {
  readonly open = new Set<number>();
  looks = 0;
  /** Happens before the lock is taken, when there was a look since. */
  beforeLock: () => void = () => {};
  #hasLooked = false;
  readonly #databases = new Set<number>();

  readonly files: AuditFiles = {
    ...nodeFiles,
    create: (path, like) => this.#opened(nodeFiles.create(path, like)),
    openAppend: (path) => this.#opened(nodeFiles.openAppend(path)),
    openRead: (path) => {
      const fd = this.#opened(nodeFiles.openRead(path));
      this.#databases.add(fd);
      return fd;
    },
    close: (fd) => {
      expect(this.open.delete(fd)).toBe(true);
      this.#databases.delete(fd);
      nodeFiles.close(fd);
    },
    identifyOpen: (fd) => {
      if (this.#databases.has(fd)) {
        this.looks += 1;
        this.#hasLooked = true;
      }
      return nodeFiles.identifyOpen(fd);
    },
    link: (existing, created) => {
      if (created.endsWith("-lock") && this.#hasLooked) {
        this.#hasLooked = false;
        this.beforeLock();
      }
      nodeFiles.link(existing, created);
    },
  };

  #opened(fd: number): number {
    this.open.add(fd);
    return fd;
  }
}

/** Another process appends an entry, and folds. */
function appendAndFold(other: FoldContext, isToFold = true): void {
  const append = caughtUp(other, () => {
    const batch = other.chain.batch(other.timestamp());
    batch.add(decision());
    other.chain.write(batch);
  });
  doNow(append);
  if (isToFold) doNow(fold(other));
}

async function watchedWriter(path: string): Promise<readonly [LogWriter, Watched]> {
  const watched = new Watched();
  const writer = await LogWriter.open(path, { files: watched.files, now: Date.now });
  onTestFinished(async () => await writer.close().catch(() => {}));
  await writer.append(decision());
  watched.looks = 0;
  return [writer, watched];
}

describe("what was found in a database that another process has put in place", () => {
  it.each([
    ["once, if that stays", 0, 1, false],
    ["once, if there is a new tail", 0, 1, true],
    ["again, if that was replaced meanwhile", 1, 2, false],
    ["again, if that was replaced meanwhile and there is a new tail", 2, 3, true],
    ["under the lock at last, if that is replaced again and again", 10, 4, false],
  ])("is found out %s", async (_, replacements, looks, hasTail) => {
    const path = newLogPath();
    const [writer, watched] = await watchedWriter(path);
    const other = await contextOf(path);
    appendAndFold(other);
    let replaced = 0;
    watched.beforeLock = () => {
      if (replaced === replacements) return;
      replaced += 1;
      appendAndFold(other);
    };
    if (hasTail) appendAndFold(other, false);
    const { seq } = await writer.append(decision());
    expect(watched.looks).toBe(looks);
    expect(seq).toBe(expectOneChain(path).length - 1);
    expect(seq).toBe(3 + replaced + (hasTail ? 1 : 0));
    watched.beforeLock = () => {};
    // Nobody has to look again for what is known.
    await writer.append(decision());
    expect(watched.looks).toBe(looks);
    await writer.close();
    expect(watched.open).toEqual(new Set());
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
  });

  it("is looked into once where the tail holds what is new, since the tail begins where the database ends", async () => {
    const path = newLogPath();
    const [writer, watched] = await watchedWriter(path);
    const other = await contextOf(path);
    appendAndFold(other, false);
    await writer.append(decision());
    // A fold of what is known, and a new tail behind it.
    doNow(fold(other));
    appendAndFold(other, false);
    await writer.append(decision());
    expect(watched.looks).toBe(1);
    await writer.append(decision());
    expect(watched.looks).toBe(1);
    await writer.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
  });
});
