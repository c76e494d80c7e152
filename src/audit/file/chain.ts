/**
 * A log's chain as one writer sees it: the head, and the files that hold it. Every method is called under the log's lock,
 * but for {@link Chain.peek}, {@link Chain.look} and {@link Chain.close}.
 */

import { dirname } from "node:path";

import { AuditCorruptError, AuditUnavailableError } from "../../errors.ts";
import { Batch } from "../appending/batch.ts";
import type { DatabaseLook, DatabaseSurroundings } from "./database-look.ts";
import { PreparedEntry, type EntryContent, type Head, type SegmentEntry } from "../format/entry.ts";
import { isSameFile, type AuditFiles, type FileIdentity } from "./files.ts";
import { KnownDatabase } from "./known-database.ts";
import { createLog } from "./new-log.ts";
import { KnownOpenItems } from "../open-items/known-open-items.ts";
import { successorProblem } from "../format/successor.ts";
import { parseTailLine, type TailHeader } from "../format/tail.ts";
import { TailFile, tailPath } from "./tail-file.ts";

/** What a {@link Chain} works with. */
export interface ChainSurroundings extends DatabaseSurroundings {
  /** A name of this writer's own for a file in the making. */
  readonly ownName: (purpose: "database" | "tail") => string;
}

/** The chain of one log. */
export class Chain {
  readonly #files: AuditFiles;
  readonly #path: string;
  readonly #ownName: (purpose: "database" | "tail") => string;
  readonly #database: KnownDatabase;
  /** The last entry that was found in a database. */
  #folded: Head;
  #tail: TailFile | undefined;
  #head: Head;
  /** The entry that is to be looked for in a database. */
  #wanted: Head;
  /** The last entry that lies in a sealed segment. */
  #sealed: Head | undefined;
  /** What of approvals is open. */
  readonly openItems: KnownOpenItems = new KnownOpenItems();
  /** The log's identity. */
  readonly log: string;

  private constructor(surroundings: ChainSurroundings) {
    const { database, end } = KnownDatabase.open(surroundings);
    this.#files = surroundings.files;
    this.#path = surroundings.path;
    this.#ownName = surroundings.ownName;
    this.#database = database;
    this.#head = { seq: end.last.seq, hash: end.last.hash };
    this.#folded = this.#head;
    this.#wanted = this.#head;
    this.#noteSegment(end.segment);
    this.log = end.last.entry.log;
  }

  /**
   * Reads a log without its lock, as far as it goes; {@link catchUpFromPeek} goes on from there. `undefined` when there is no log,
   * or it can't be read while it changes.
   */
  static peek(surroundings: ChainSurroundings): Chain | undefined {
    const { files, path } = surroundings;
    let chain: Chain | undefined;
    try {
      if (files.identify(path)?.ordinary !== true) return undefined;
      chain = new Chain(surroundings);
      const hasTail = files.identify(tailPath(path)) !== undefined;
      if (hasTail && !chain.#openTail(chain.#database.identity)) throw new Error("it has been folded meanwhile");
      for (const line of chain.#tail?.peek() ?? []) chain.#accept(line);
      return chain;
    } catch {
      chain?.close();
      return undefined;
    }
  }

  /**
   * Catches up with what was appended since {@link peek}, under the lock; answers as {@link catchUp} does.
   *
   * @throws Error when what was read then does not hold any more: {@link open} the log from the beginning, which says why.
   */
  catchUpFromPeek(): boolean {
    if (this.#tail?.isAsPeeked() === false) throw new Error("what was read has been taken back");
    return this.catchUp();
  }

  /**
   * Opens the log's files. When there are none, makes a new log whose genesis entry has the given identity and time.
   *
   * @throws AuditCorruptError when the database is missing beside a tail, or damaged.
   */
  static open(surroundings: ChainSurroundings, newLog: string, ts: string): Chain {
    const { files, engine, path, ownName } = surroundings;
    const found = files.identify(path) ?? createLog(files, engine, path, ownName("database"), newLog, ts);
    if (!found.ordinary) throw new AuditUnavailableError(path, "it is not an ordinary file. Name another path");
    const chain = new Chain(surroundings);
    try {
      chain.catchUpHere();
      return chain;
    } catch (error) {
      chain.close();
      throw error;
    }
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
   * have put a database in place that has to be looked into first, which {@link look} does away from the lock. Nothing has
   * changed then. See `caught-up.ts`.
   *
   * @throws AuditCorruptError when what they left does not continue what we know.
   */
  catchUp(): boolean {
    const database = this.identifyDatabase();
    const found = this.#files.identify(tailPath(this.#path));
    if (found === undefined) {
      if (!this.#catchUpWithDatabase(database)) return false;
      this.#dropTail();
    } else {
      const former = this.#head;
      const isKnown = this.#tail !== undefined && isSameFile(found, this.#tail.identity);
      if (!isKnown && !this.#openTail(database)) return false;
      // Whoever folds puts both in place; if that was cut short, or somebody else's doing, the database alone is another one.
      if (isKnown && !this.#database.isKnown(database) && !this.#database.reliesOnWhatHolds(this.#folded)) {
        throw this.#corrupt(`its database no longer holds entry ${this.#folded.seq}`, this.#folded.seq);
      }
      const reached = this.#readTail(found);
      if (!isKnown && reached < former.seq && !this.#database.reliesOnWhatHolds(former)) {
        throw this.#corrupt(`entries ${reached + 1} to ${former.seq} have disappeared`);
      }
    }
    this.#database.forget();
    return true;
  }

  /** The same, and looks here if that is necessary. */
  catchUpHere(): void {
    while (!this.catchUp()) this.look();
  }

  /**
   * Looks into the database as it stands, for the next {@link catchUp}, which relies on what was found if the database is
   * still the same. Called without the lock, but by {@link catchUpHere}.
   *
   * @throws AuditCorruptError when it is damaged.
   */
  look(): void {
    this.#database.look(this.#wanted);
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

  /** Looks at the database file as it stands. @throws AuditCorruptError when it is gone. */
  identifyDatabase(): FileIdentity {
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
    try {
      this.write(batch)?.syncNow();
    } catch (error) {
      // What is open has heard of an entry that is not there.
      this.openItems.lose();
      throw error;
    }
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
  #openTail(database: FileIdentity): boolean {
    const tail = TailFile.open(this.#files, this.#path);
    let isReached = false;
    try {
      isReached = this.#reach(tail.header, database);
    } finally {
      if (!isReached) tail.close();
    }
    if (!isReached) return false;
    this.#dropTail();
    this.#tail = tail;
    return true;
  }

  #reach({ log, head }: TailHeader, database: FileIdentity): boolean {
    if (log !== this.log) throw this.#corrupt("its tail belongs to another log");
    // What lies between our head and the new tail's beginning was folded into the database meanwhile.
    if (head.seq > this.#head.seq && !this.#catchUpWithDatabase(database)) return false;
    if (head.seq > this.#head.seq) throw this.#corrupt(`entries ${this.#head.seq + 1} to ${head.seq} are missing`);
    if (head.seq === this.#head.seq && head.hash !== this.#head.hash) {
      throw this.#corrupt(`its tail does not follow entry ${head.seq}`, head.seq);
    }
    // Whoever folds puts both in place, and begins the tail where the database ends.
    if (!this.#database.isKnown(database)) {
      const look = this.#lookedFor(head, database);
      if (look === undefined) return false;
      if (!look.isHeld) throw this.#corrupt(`its database does not hold entry ${head.seq}`, head.seq);
      this.#database.rely(look);
      if (head.seq > this.#folded.seq) this.#folded = head;
    } else if (head.seq > this.#folded.seq) {
      throw this.#corrupt(`its database does not hold entry ${head.seq}`, head.seq);
    }
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
  #catchUpWithDatabase(found: FileIdentity): boolean {
    if (this.#database.isKnown(found) && this.#folded.seq >= this.#head.seq) return true;
    const look = this.#lookedFor(this.#head, found);
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

  /** What was found in this file of an entry; when nobody has looked there for that, the next {@link look} is for it. */
  #lookedFor(entry: Head, database: FileIdentity): DatabaseLook | undefined {
    this.#wanted = entry;
    return this.#database.foundIn(database, entry);
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
