/** The tail as a file: opened, appended to, replaced; each of these under the log's lock, except flushing. */

import { dirname } from "node:path";

import { AuditCorruptError } from "../../errors.ts";
import { unlinkIfThere, type AuditFiles, type FileIdentity } from "./files.ts";
import { formatTailHeader, parseTailHeader, splitTail, type TailHeader } from "../format/tail.ts";
import { unfinishedProblem } from "../format/unfinished.ts";

/** The name of a log's tail. */
export function tailPath(log: string): string {
  return `${log}-tail`;
}

/** An open tail. `size` is how much of it this writer has read or written; all of that is complete, checked lines. */
export class TailFile {
  readonly header: TailHeader;
  readonly identity: FileIdentity;
  readonly #files: AuditFiles;
  readonly #log: string;
  readonly #fd: number;
  #size: number;
  #peeked: Buffer | undefined;
  /** Flushes under way, which closing must wait for: a descriptor's number is given out again. */
  #flushing = 0;
  #closing = false;
  #isDoubtful = false;

  private constructor(
    files: AuditFiles,
    log: string,
    fd: number,
    identity: FileIdentity,
    header: TailHeader,
    size: number,
  ) {
    this.#files = files;
    this.#log = log;
    this.#fd = fd;
    this.identity = identity;
    this.header = header;
    this.#size = size;
  }

  /**
   * Opens the log's tail, having read its header only.
   *
   * @throws AuditCorruptError when the header is damaged.
   */
  static open(files: AuditFiles, log: string): TailFile {
    const fd = files.openAppend(tailPath(log));
    try {
      // Of the file that is open, whatever has its name by now.
      const identity = files.identifyOpen(fd);
      const [line] = splitTail(files.read(fd, 0, Math.min(identity.size, MAX_HEADER))).lines;
      const header = parseTailHeader(line);
      if (line === undefined || header === undefined) {
        throw new AuditCorruptError(log, `the first line of ${tailPath(log)} is damaged`);
      }
      return new TailFile(files, log, fd, identity, header, line.length + 1);
    } catch (error) {
      files.close(fd);
      throw error;
    }
  }

  /**
   * Puts a new tail in place, whole and durable, over an older one if there is one. `text` is complete lines. `madeAs` is a
   * name of this writer's own, which is free again if that fails.
   */
  static place(
    files: AuditFiles,
    log: string,
    madeAs: string,
    like: FileIdentity,
    header: TailHeader,
    text: string | Buffer,
  ): TailFile {
    const first = formatTailHeader(header);
    const bytes = Buffer.concat([Buffer.from(first, "utf8"), Buffer.from(text)]);
    // What could not be removed when it failed the last time.
    unlinkIfThere(files, madeAs);
    const fd = files.create(madeAs, like);
    try {
      files.append(fd, bytes);
      files.sync(fd);
      const identity = files.identify(madeAs);
      if (identity === undefined) throw new Error(`${madeAs} has disappeared`);
      files.rename(madeAs, tailPath(log));
      files.syncDirectory(dirname(log));
      return new TailFile(files, log, fd, identity, header, bytes.length);
    } catch (error) {
      try {
        files.close(fd);
        // A full disk needs the room now.
        unlinkIfThere(files, madeAs);
      } catch {
        // What failed first says more, and the next attempt removes it.
      }
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /**
   * The complete lines between what is known and `size`, which become known. Bytes of an unfinished write behind them
   * are moved to a file of their own: nobody was told that they are recorded.
   *
   * @throws AuditCorruptError when there are bytes that no crash can have left.
   */
  readNew(size: number): readonly Buffer[] {
    const { lines, rest } = splitTail(this.#files.read(this.#fd, this.#size, size));
    const problem = unfinishedProblem(rest);
    if (problem !== undefined) throw new AuditCorruptError(this.#log, `${problem}. Run capfence verify`);
    const known = size - rest.length;
    // If this fails nothing becomes known, since nobody is given the lines.
    if (rest.length > 0) this.#quarantine(rest, known);
    this.#size = known;
    return lines;
  }

  /**
   * The complete lines that the file had when it was opened, without the log's lock: what an unfinished write has left, or
   * somebody is writing, is let be.
   */
  peek(): readonly Buffer[] {
    const { lines } = splitTail(this.#files.read(this.#fd, this.#size, this.identity.size));
    for (const line of lines) this.#size += line.length + 1;
    this.#peeked = lines.at(-1);
    return lines;
  }

  /** Whether the last line of {@link peek} is still there: who fails to write the next one takes back all of the write. */
  isAsPeeked(): boolean {
    const line = this.#peeked;
    return line === undefined || this.#files.read(this.#fd, this.#size - 1 - line.length, this.#size - 1).equals(line);
  }

  /** What the file holds from `start` up to what is known. */
  read(start: number): Buffer {
    return this.#files.read(this.#fd, start, this.#size);
  }

  /** Appends complete lines. If that fails half-way, the half is taken back. */
  append(text: string): void {
    const bytes = Buffer.from(text, "utf8");
    try {
      this.#files.append(this.#fd, bytes);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#size += bytes.length;
  }

  /** Flushes all that was appended so far, by anyone. */
  async sync(): Promise<void> {
    this.#flushing += 1;
    try {
      await this.#files.syncLater(this.#fd);
    } catch (error) {
      this.#isDoubtful = true;
      throw error;
    } finally {
      this.#flushing -= 1;
      if (this.#closing) this.close();
    }
  }

  /** The same, blocking. */
  syncNow(): void {
    try {
      this.#files.sync(this.#fd);
    } catch (error) {
      this.#isDoubtful = true;
      throw error;
    }
  }

  /** Whether a flush has failed: the next one would report success for what was lost (fsync(2) says it only once). */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** Closes the file, after the flushes under way. */
  close(): void {
    this.#closing = true;
    if (this.#flushing === 0) this.#files.close(this.#fd);
  }

  #takeBack(): void {
    try {
      this.#files.truncate(this.#fd, this.#size);
    } catch {
      // Then the half stays, and whoever opens the log next finds an unfinished write there.
    }
  }

  #quarantine(rest: Buffer, known: number): void {
    const fd = this.#files.create(`${this.#log}-torn.${Date.now()}.${process.pid}`, this.identity);
    try {
      this.#files.append(fd, rest);
      this.#files.sync(fd);
    } finally {
      this.#files.close(fd);
    }
    this.#files.truncate(this.#fd, known);
  }
}

/** A header line is under 300 bytes. */
const MAX_HEADER = 4096;
