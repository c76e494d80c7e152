/** The parts of a log, as verification sees them: each whole in itself, named when it is sealed, or excused when absent. */

import type { SegmentEntry } from "../format/entry.ts";
import type { Findings } from "./findings.ts";

/** A segment file that was read. */
interface ReadSegment {
  readonly name: string;
  readonly digest: string;
  isNamed: boolean;
  /** Its last entry; `undefined` until one is read. */
  last: number | undefined;
}

/** Fed with the rows of each part, and with the entries that name parts. */
export class PartCheck {
  readonly #findings: Findings;
  readonly #segments = new Map<number, ReadSegment>();
  #segment: ReadSegment | undefined;
  /** The last row of the part that is being read. */
  #last: number | undefined;
  /** The database's first row. */
  #databaseBegins: number | undefined;
  /** The first entry seen, when the log does not begin with its genesis, what it follows, and who names what is absent. */
  #start: { readonly seq: number; readonly prev: string | undefined; namedBy: number | undefined } | undefined;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The entries before this one are absent; `undefined` when the log begins with its genesis. */
  get from(): number | undefined {
    return this.#start?.seq;
  }

  /** The entry that names what is absent. */
  get excuse(): number | undefined {
    return this.#start?.namedBy;
  }

  /** The rows of a segment file follow. `first` is the number in the file's name. */
  segment(name: string, first: number, digest: string): void {
    this.#segment = { name, digest, isNamed: false, last: undefined };
    this.#segments.set(first, this.#segment);
    this.#last = undefined;
  }

  /** The rows of the database follow. */
  database(): void {
    this.#segment = undefined;
    this.#last = undefined;
  }

  /**
   * A row of the part that is being read; `isKnown` when another part had that number already. The rows of a part may
   * all lie in another one too, as a crash can leave them; if some were taken out of one part, this log would still hold
   * them, and who reads only that part would miss them.
   */
  row(seq: number, isKnown: boolean): void {
    const last = this.#last;
    this.#last = seq;
    if (this.#segment === undefined) this.#databaseBegins ??= seq;
    else this.#segment.last = seq;
    if (!isKnown) return;
    if (last === undefined ? !this.#segments.has(seq) : seq !== last + 1) {
      const missing = last === undefined ? seq - 1 : last + 1;
      this.#findings.problem(missing, "it is missing in one of the parts that hold it");
    }
  }

  /**
   * After the database's rows; `expected` is the entry that is to come. A segment is never ahead of the database: it is the
   * database as it once was, or what was taken out of that has its name in the database.
   */
  databaseRead(expected: number | undefined): void {
    if (expected === undefined || this.#last === expected - 1) return;
    const missing = this.#last === undefined ? expected - 1 : this.#last + 1;
    this.#findings.problem(missing, "it is missing in one of the parts that hold it");
  }

  /** The log begins with entry `seq`, which follows the hash `prev`; no hash when the entry is damaged. */
  beginsLate(seq: number, prev: string | undefined): void {
    this.#start = { seq, prev, namedBy: undefined };
  }

  /** What a segment entry says must be true of the segment, if that is here, or of what follows it, if not. */
  named(seq: number, { first, last, head, digest }: SegmentEntry): void {
    if (this.#start !== undefined && last === this.#start.seq - 1) {
      this.#start.namedBy = seq;
      if (this.#start.prev !== head) {
        this.#findings.problem(this.#start.seq, `it does not follow the segment that entry ${seq} names`);
      }
    }
    const segment = this.#segments.get(first);
    // No file holds the entry that names it. Where a log was copied into one file, that may get the number of an older one.
    if (segment === undefined || segment === this.#segment) return;
    segment.isNamed = true;
    if (segment.digest !== digest || segment.last !== last) {
      this.#findings.problem(seq, `the segment ${segment.name} is not the file that this entry names`);
    }
  }

  /** After the last entry. */
  end(): void {
    if (this.#start !== undefined && this.#start.namedBy === undefined) {
      const last = this.#start.seq - 1;
      this.#findings.problem(last, `entries 0 to ${last} are missing, and no later entry names them`);
    }
    for (const [first, { name, isNamed }] of this.#segments) {
      if (!isNamed && first !== this.#databaseBegins) {
        this.#findings.problem(first, `no entry names the segment ${name}`);
      }
    }
  }
}
