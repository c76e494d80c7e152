/**
 * A log's chain as one writer sees it: the head, and the files that hold it. Every method is called under the log's lock,
 * but for {@link Chain.look}.
 */

import { dirname } from "node:path";

import { AuditCorruptError, AuditUnavailableError } from "../../errors.ts";
import { Batch } from "../appending/batch.ts";
import { withDatabase } from "./database.ts";
import { endOf } from "./database-look.ts";
import { PreparedEntry, type EntryContent, type Head, type SegmentEntry } from "../format/entry.ts";
import { isSameFile, type AuditFiles, type FileIdentity } from "./files.ts";
import { KnownDatabase } from "./known-database.ts";
import { createLog } from "./new-log.ts";
import { KnownOpenItems } from "../open-items/known-open-items.ts";
import type { Engine } from "./sqlite.ts";
import { successorProblem } from "../format/successor.ts";
import { parseTailLine, type TailHeader } from "../format/tail.ts";
import { TailFile, tailPath } from "./tail-file.ts";

/** What a {@link Chain} works with. */
export interface ChainSurroundings {
  readonly files: AuditFiles;
  readonly engine: Engine;
  /** The log's real path. */
  readonly path: string;
  /** A name of this writer's own for a file in the making. */
  readonly ownName: (purpose: "database" | "tail") => string;
}

/** The chain of one log. */
export class Chain {
  readonly #files: AuditFiles;
  readonly #path: string;
  readonly #ownName: (purpose: "database" | "tail") => string;
  readonly #database: KnownDatabase;
  /** The last entry that is known to be in a database, perhaps in a later one than we have looked into. */
  #folded: Head;
  #tail: TailFile | undefined;
  #head: Head;
  /** The last entry that lies in a sealed segment. */
  #sealed: Head | undefined;
  /** What of approvals is open. */
  readonly openItems: KnownOpenItems = new KnownOpenItems();
  /** The log's identity. */
  readonly log: string;

  private constructor(
    surroundings: ChainSurroundings,
    database: FileIdentity,
    { last, segment }: ReturnType<typeof endOf>,
  ) {
    this.#files = surroundings.files;
    this.#path = surroundings.path;
    this.#ownName = surroundings.ownName;
    this.#head = { seq: last.seq, hash: last.hash };
    this.#folded = this.#head;
    this.#noteSegment(segment);
    this.log = last.entry.log;
    this.#database = new KnownDatabase(surroundings, this.log, database);
  }

  /**
   * Reads a log without its lock, as far as it goes; {@link catchUp} goes on from there. It takes a tenth of a second for
   * a long tail, in which others can append. `undefined` when there is no log, or it can't be read while it changes.
   */
  static peek(surroundings: ChainSurroundings): Chain | undefined {
    const { files, path } = surroundings;
    let chain: Chain | undefined;
    try {
      const found = files.identify(path);
      if (found?.ordinary !== true) return undefined;
      chain = Chain.#of(surroundings, found);
      const tail = files.identify(tailPath(path));
      if (tail !== undefined && chain.#openTail(tail, found, true)) {
        for (const line of chain.#tail?.peek(tail.size) ?? []) chain.#accept(line);
      }
      return chain;
    } catch {
      chain?.close();
      return undefined;
    }
  }

  /**
   * Opens the log's files, of which `peeked` was read before. When there are none, makes a new log whose genesis entry has
   * the given identity and time.
   *
   * @throws AuditCorruptError when the database is missing beside a tail, or damaged.
   */
  static open(surroundings: ChainSurroundings, newLog: string, ts: string, peeked?: Chain): Chain {
    const { files, engine, path, ownName } = surroundings;
    if (peeked !== undefined) {
      if (peeked.#isCurrent()) return peeked;
      peeked.close();
    }
    const found = files.identify(path) ?? createLog(files, engine, path, ownName("database"), newLog, ts);
    if (!found.ordinary) throw new AuditUnavailableError(path, "it is not an ordinary file. Name another path");
    const chain = Chain.#of(surroundings, found);
    try {
      chain.catchUp(true);
      return chain;
    } catch (error) {
      chain.close();
      throw error;
    }
  }

  /** Whether what was read without the lock still holds; then everything else has been read, too. */
  #isCurrent(): boolean {
    try {
      if (this.#tail?.isAsPeeked() === false) return false;
      return this.catchUp(true);
    } catch {
      // It is another log by now, or damaged: read from the beginning, it says which.
      return false;
    }
  }

  static #of(surroundings: ChainSurroundings, found: FileIdentity): Chain {
    const { files, engine, path } = surroundings;
    return new Chain(surroundings, found, withDatabase(engine, files.readFile(path), path, endOf));
  }

  /** The last entry. */
  get head(): Head {
    return this.#head;
  }

  /** The tail in use; `undefined` when everything is in the database. */
  get tail(): TailFile | undefined {
    return this.#tail;
  }

  /** The last entry that lies in a sealed segment; `undefined` while there is none. */
  get sealed(): Head | undefined {
    return this.#sealed;
  }

  /** The position of that, -1 while there is none. */
  get sealedSeq(): number {
    return this.#sealed?.seq ?? -1;
  }

  /** Entries that are in the tail only, as far as we know. */
  get unfolded(): number {
    return this.#head.seq - this.#folded.seq;
  }

  /**
   * Reads and checks what other processes have appended or folded since; answers whether that is done. It is not when they
   * have put a database in place that has to be looked into first: with {@link look}, away from the lock, or here, if
   * `looks` says so. Nothing has changed then. See `caught-up.ts`.
   *
   * @throws AuditCorruptError when what they left does not continue what we know.
   */
  catchUp(looks = false): boolean {
    const database = this.database;
    const found = this.#files.identify(tailPath(this.#path));
    if (found === undefined) {
      if (!this.#catchUpWithDatabase(database, looks)) return false;
      this.#dropTail();
    } else {
      const former = this.#head;
      const isKnown = this.#tail !== undefined && isSameFile(found, this.#tail.identity);
      if (!isKnown && !this.#openTail(found, database, looks)) return false;
      // Whoever folds puts both in place; if that was cut short, or somebody else's doing, the database alone is another one.
      if (isKnown && !this.#database.isCurrent(database) && !this.#database.holds(this.#folded)) {
        throw this.#corrupt(`its database no longer holds entry ${this.#folded.seq}`, this.#folded.seq);
      }
      const reached = this.#readTail(found);
      if (!isKnown && reached < former.seq && !this.#database.holds(former)) {
        throw this.#corrupt(`entries ${reached + 1} to ${former.seq} have disappeared`);
      }
    }
    this.#database.see(database);
    return true;
  }

  /**
   * Looks into the database as it stands, for the next {@link catchUp}, which relies on what was found if the database and
   * our head are still the same. Called without the lock.
   *
   * @throws AuditCorruptError when it is damaged.
   */
  look(): void {
    this.#database.look(this.#head);
  }

  /** Begins a batch behind the head, after {@link catchUp}. */
  batch(ts: string): Batch {
    return new Batch(this.log, this.#head, ts, this.openItems.register, this.openItems.followers);
  }

  /** Writes a batch; answers the tail to flush, `undefined` when everything is in the database. */
  write({ head, lines }: Batch): TailFile | undefined {
    if (lines === "") return this.#tail;
    if (this.#tail === undefined) this.#tail = this.#place({ log: this.log, head: this.#head }, lines);
    else this.#tail.append(lines);
    this.#head = head;
    return this.#tail;
  }

  /** The database file as it stands. @throws AuditCorruptError when it is gone. */
  get database(): FileIdentity {
    return this.#database.identify();
  }

  /**
   * Puts `made`, a database of all entries up to `folded`, in the place of the present one, and keeps in the tail only
   * what lies behind `known`, the tail's size at that entry. A crash between the two leaves entries in both, which
   * readers compare and count once.
   */
  replaceDatabase(made: string, folded: Head, known: number): void {
    const tail = this.#tail;
    if (tail === undefined) return;
    tail.syncNow();
    this.#files.rename(made, this.#path);
    this.#files.syncDirectory(dirname(this.#path));
    this.#database.relyOnOwn();
    this.#folded = folded;
    const remaining = tail.read(known);
    if (remaining.length === 0) this.#files.unlink(tailPath(this.#path));
    this.#tail = remaining.length === 0 ? undefined : this.#place({ log: this.log, head: folded }, remaining);
    tail.close();
  }

  /**
   * Records that a segment is sealed, once {@link openItems} are known; durable on return. The segment's entries leave the
   * database with the next fold.
   */
  appendSegment(segment: Omit<EntryContent<SegmentEntry>, "open">, ts: string): void {
    const open = this.openItems.register?.carried();
    const batch = this.batch(ts);
    batch.add(new PreparedEntry({ ...segment, ...(open !== undefined && { open }) }));
    this.write(batch)?.syncNow();
    this.#sealed = { seq: segment.last, hash: segment.head };
  }

  /** Lets go of the files. */
  close(): void {
    try {
      this.#dropTail();
    } finally {
      this.#database.close();
    }
  }

  #place(header: { readonly log: string; readonly head: Head }, lines: string | Buffer): TailFile {
    return TailFile.place(this.#files, this.#path, this.#ownName("tail"), this.#database.identity, header, lines);
  }

  #dropTail(): void {
    this.#tail?.close();
    this.#tail = undefined;
  }

  /** Another process has put a new tail in place; answers whether we have come to where it begins. */
  #openTail(found: FileIdentity, database: FileIdentity, looks: boolean): boolean {
    const tail = TailFile.open(this.#files, this.#path, found);
    let isReached = false;
    try {
      isReached = this.#reach(tail.header, database, looks);
    } finally {
      if (!isReached) tail.close();
    }
    if (!isReached) return false;
    this.#dropTail();
    this.#tail = tail;
    return true;
  }

  #reach({ log, head }: TailHeader, database: FileIdentity, looks: boolean): boolean {
    if (log !== this.log) throw this.#corrupt("its tail belongs to another log");
    // What lies between our head and the new tail's beginning was folded into the database meanwhile.
    if (head.seq > this.#head.seq && !this.#catchUpWithDatabase(database, looks)) return false;
    if (head.seq > this.#head.seq) throw this.#corrupt(`entries ${this.#head.seq + 1} to ${head.seq} are missing`);
    if (head.seq === this.#head.seq && head.hash !== this.#head.hash) {
      throw this.#corrupt(`its tail does not follow entry ${head.seq}`, head.seq);
    }
    if (head.seq > this.#folded.seq) this.#folded = head;
    return true;
  }

  /** Reads what is new in the tail; answers the last entry that is known of it by now. */
  #readTail(found: FileIdentity): number {
    const tail = this.#tail;
    if (tail === undefined) return this.#head.seq;
    if (found.size < tail.size) throw this.#corrupt(`${tailPath(this.#path)} has been cut`);
    let reached = tail.header.head.seq;
    if (found.size > tail.size) for (const line of tail.readNew(found.size)) reached = this.#accept(line);
    return reached;
  }

  /** Answers whether that is done: not when nobody has looked into this very file for our head. */
  #catchUpWithDatabase(found: FileIdentity, looks: boolean): boolean {
    if (this.#database.isKnown(found) && this.#folded.seq >= this.#head.seq) return true;
    if (looks && this.#database.foundIn(found, this.#head) === undefined) this.look();
    const look = this.#database.foundIn(found, this.#head);
    if (look === undefined) return false;
    const { last, segment } = look;
    if (!look.isHeld) {
      throw this.#corrupt(`its database does not hold entry ${this.#head.seq} as it was recorded`, this.#head.seq);
    }
    // What came in between is in the database only.
    if (last.seq > this.#head.seq) this.openItems.lose();
    this.#head = { seq: last.seq, hash: last.hash };
    this.#folded = this.#head;
    this.#database.rely(look);
    this.#noteSegment(segment);
    return true;
  }

  #noteSegment(segment: SegmentEntry | undefined): void {
    if (segment !== undefined) this.#sealed = { seq: segment.last, hash: segment.head };
  }

  /** Checks a line of the tail and follows it; answers the position that it has. */
  #accept(line: Buffer): number {
    const stored = parseTailLine(line);
    const next = this.#head.seq + 1;
    if (stored === undefined) throw this.#corrupt(`entry ${next} is damaged`, next);
    if (stored.seq < this.#head.seq) return stored.seq;
    if (stored.seq === this.#head.seq) {
      if (stored.hash === this.#head.hash) return stored.seq;
      throw this.#corrupt(`entry ${stored.seq} is not as it was recorded`, stored.seq);
    }
    const problem = successorProblem(stored.entry, this.#head, this.log);
    if (problem !== undefined) throw this.#corrupt(`entry ${next}: ${problem}`, next);
    this.#head = { seq: stored.seq, hash: stored.hash };
    if (stored.entry.kind === "segment") this.#noteSegment(stored.entry);
    for (const follower of this.openItems.followers) follower.apply(stored.hash, stored.entry);
    return stored.seq;
  }

  #corrupt(problem: string, seq?: number): AuditCorruptError {
    return new AuditCorruptError(this.#path, problem, { ...(seq !== undefined && { seq }) });
  }
}
