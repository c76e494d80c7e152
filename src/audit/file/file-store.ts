/** A log kept in files: the database at its path, its tail and its segments beside it. */

import { statSync } from "node:fs";
import { resolve } from "node:path";

import { errorCode } from "../../file-problem.ts";
import type { ChainCheck } from "../checks/chain-check.ts";
import type { StoredEntry } from "../format/entry.ts";
import { LogLock } from "./lock.ts";
import { readFiles } from "./read-file.ts";
import { receiveInFile } from "./receive-file.ts";
import { realLogPath } from "./real-path.ts";
import type { AuditStore, Pause, ReadingOrder } from "../store.ts";
import { tailPath } from "./tail-file.ts";
import { checkFiles } from "./verify-file.ts";
import { LogWriter, type Report, type WriterSurroundings } from "./writer.ts";

/** How often a log's files are looked at, in milliseconds. Looking is two calls of stat(2). */
const POLL_MS = 250;

/** The files of one log. */
export class FileStore implements AuditStore {
  /** The absolute path that was named. */
  readonly name: string;
  readonly #surroundings: WriterSurroundings;

  /** `path` may be relative to the present working directory. */
  constructor(path: string, surroundings: WriterSurroundings) {
    this.name = resolve(path);
    this.#surroundings = surroundings;
  }

  key(): string {
    return realLogPath(this.name);
  }

  async openWriter(report: Report): Promise<LogWriter> {
    return await LogWriter.open(this.key(), this.#surroundings, report);
  }

  async *entries(order: ReadingOrder): AsyncGenerator<StoredEntry> {
    yield* readFiles(this.key(), order);
  }

  async *check(check: ChainCheck): AsyncGenerator<void> {
    yield* checkFiles(this.key(), check);
  }

  async receive(entries: AsyncIterable<StoredEntry>): Promise<void> {
    await receiveInFile(this.#surroundings.files, this.key(), entries);
  }

  async flush(): Promise<void> {
    const { files } = this.#surroundings;
    await new LogLock(files, this.key()).untilFree();
    let fd: number;
    try {
      fd = files.openRead(tailPath(this.key()));
    } catch (error) {
      // Folded in the meantime, and so on the disk already.
      if (errorCode(error) === "ENOENT") return;
      throw error;
    }
    try {
      await files.syncLater(fd);
    } finally {
      files.close(fd);
    }
  }

  async *changes(_what: unknown, pause: Pause, signal: AbortSignal): AsyncGenerator<void> {
    const path = this.key();
    let seen: string | undefined;
    for (;;) {
      const isOver = signal.aborted;
      // Before it is read, so that a change in between is one that the next look finds.
      const state = `${lookAt(path)} ${lookAt(tailPath(path))}`;
      if (state !== seen || isOver) yield;
      seen = state;
      if (isOver) return;
      await pause(POLL_MS, signal);
    }
  }
}

/** What changes when a file is written to or replaced. A new file may get the number of one that has just gone. */
function lookAt(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":");
}
