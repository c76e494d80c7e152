/** The checks of verification, fed with a log's entries part by part, in order. */

import { BEFORE_GENESIS } from "./chain.ts";
import type { Anchor } from "./checkpoint.ts";
import { DERIVED_COLUMNS, derivedColumns, type Row } from "./database.ts";
import {
  ENTRY_KINDS,
  FORMAT_VERSION,
  isCounted,
  parseEntry,
  sha256,
  type Entry,
  type Head,
  type SegmentEntry,
} from "./entry.ts";
import { OutcomePairing } from "./outcome-pairing.ts";
import { parseTailLine, type TailHeader } from "./tail.ts";

/** One thing that is wrong with a log. */
export interface VerifyProblem {
  /** The entry at fault; absent when it is the log as a whole. */
  readonly seq?: number;
  /** What is wrong, half a sentence. */
  readonly what: string;
}

/** Problems reported at most; a log that was overwritten has one in every entry. */
const MAX_PROBLEMS = 100;

/** A segment file that was read. */
interface ReadSegment {
  readonly name: string;
  readonly digest: string;
  isNamed: boolean;
  /** Its last entry; -1 until one is read. */
  last: number;
}

/** Collects what is wrong with one log. Feed it the segments, then the database's rows, then the tail. */
export class ChainCheck {
  readonly problems: VerifyProblem[] = [];
  readonly warnings: string[] = [];
  /** Decisions and outcomes seen. */
  entries = 0;
  /** The last entry seen. */
  last: { readonly seq: number; readonly ts: string } | undefined;
  /** The first entry seen, when the log does not begin with its genesis; and what it follows. */
  #start: { readonly seq: number; readonly prev: string; namedBy: number | undefined } | undefined;
  #log: string | undefined;
  #expected: number | undefined;
  /** What the next entry must follow; `undefined` after one that was found wrong or missing. */
  #previous: Head | undefined = BEFORE_GENESIS;
  /** The last row of the part that is being read. */
  #lastInPart: number | undefined;
  /** The database's first row. */
  #databaseBegins: number | undefined;
  readonly #segments = new Map<number, ReadSegment>();
  #segment: ReadSegment | undefined;
  /** Pairs decisions with outcomes. */
  readonly outcomes: OutcomePairing = new OutcomePairing();
  readonly #anchors: readonly Anchor[];
  /** The latest entry that a checkpoint vouches for. */
  anchor: { readonly seq: number; readonly signedBy: readonly string[] } | undefined;
  /** Hashes from the present segment's first entry on: a crash can leave an entry in two parts, and they must agree. */
  readonly #hashes = new Map<number, string>();

  constructor(anchors: readonly Anchor[]) {
    this.#anchors = anchors;
  }

  problem(seq: number | undefined, what: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ ...(seq !== undefined && { seq }), what });
  }

  /** The entries before this one are absent; `undefined` when the log begins with its genesis. */
  get from(): number | undefined {
    return this.#start?.seq;
  }

  /** The rows of a segment file follow. `first` is the number in the file's name. */
  segment(name: string, first: number, bytes: Uint8Array): void {
    this.#hashes.clear();
    this.#segment = { name, digest: sha256(bytes), isNamed: false, last: -1 };
    this.#segments.set(first, this.#segment);
    this.#lastInPart = undefined;
  }

  /** The rows of the database follow. */
  database(): void {
    this.#segment = undefined;
    this.#lastInPart = undefined;
    this.#databaseBegins = undefined;
  }

  row(row: Row): void {
    const { seq, hash, body } = row;
    if (typeof seq !== "number") return this.problem(undefined, "a row's number is not a number");
    this.#inPart(seq);
    const computed = body === undefined ? "" : sha256(body);
    const entry = body !== undefined && hash === computed ? parseEntry(body) : undefined;
    // What is damaged agrees with nothing, though its text were that of a sound one elsewhere.
    this.#entry(seq, entry === undefined ? "" : computed, entry);
    if (entry !== undefined) this.#columns(row, entry, seq);
    if (this.#segment !== undefined) this.#segment.last = seq;
  }

  /**
   * Each part must be whole in itself. Its rows may all lie in another part too, as a crash can leave them; if some were
   * taken out of one part, this log would still hold them, and who reads only that part would miss them.
   */
  #inPart(seq: number): void {
    const last = this.#lastInPart;
    this.#lastInPart = seq;
    if (this.#segment === undefined) this.#databaseBegins ??= seq;
    const isKnown = this.#expected !== undefined && seq < this.#expected;
    if (!isKnown) return;
    if (last === undefined ? !this.#segments.has(seq) : seq !== last + 1) {
      this.problem(last === undefined ? seq - 1 : last + 1, "it is missing in one of the parts that hold it");
    }
  }

  tail(lines: readonly Buffer[], header: TailHeader | undefined, rest: Buffer): void {
    if (header === undefined) return this.problem(undefined, "the first line of the tail is damaged");
    const { log, head } = header;
    if (this.#log !== undefined && log !== this.#log) this.problem(undefined, "the tail belongs to another log");
    const known = this.#hashes.get(head.seq);
    if (known !== undefined && known !== head.hash) {
      this.problem(head.seq, "the tail follows another entry than the one in the database");
    }
    // Each line says so itself; where there is none, the first line does.
    if (lines.length === 1) this.#missing(head.seq);
    for (const [index, line] of lines.slice(1).entries()) {
      const stored = parseTailLine(line);
      this.#entry(head.seq + 1 + index, stored?.hash ?? "", stored?.entry);
    }
    if (rest.length === 0) return;
    // One changed byte where the line feed was: a whole entry and not the beginning of one.
    if (parseTailLine(rest.subarray(0, -1)) !== undefined) {
      this.problem(this.#expected, "the end of its line in the tail was changed");
    } else {
      this.warnings.push(`${rest.length} bytes at the end of the tail are an unfinished write, and no entry`);
    }
  }

  /** After the last entry. */
  end(minSize: number): void {
    if (this.last === undefined && this.problems.length === 0) this.problem(undefined, "it has no entries");
    if (this.#start !== undefined && this.#start.namedBy === undefined) {
      this.problem(
        this.#start.seq - 1,
        `entries 0 to ${this.#start.seq - 1} are missing, and no later entry names them`,
      );
    }
    for (const [first, { name, isNamed }] of this.#segments) {
      if (!isNamed && first !== this.#databaseBegins) this.problem(first, `no entry names the segment ${name}`);
    }
    this.#atLeast(minSize);
  }

  /** A checkpoint that covers more than there is, or another log, shows what the chain alone cannot. */
  #atLeast(minSize: number): void {
    const size = (this.last?.seq ?? -1) + 1;
    for (const { log, size: covered } of this.#anchors) {
      if (log !== this.#log) this.problem(undefined, "a checkpoint was made of another log");
      else if (covered > size) {
        this.problem(size, `entries ${size} to ${covered - 1} are missing: a checkpoint covers them`);
      }
    }
    if (this.#anchors.length > 0 && this.anchor === undefined && this.problems.length === 0) {
      this.problem(undefined, "the checkpoints cover only entries that are absent, and vouch for nothing here");
    }
    const namedBy = this.#start?.namedBy;
    if (namedBy !== undefined && this.anchor !== undefined && namedBy > this.anchor.seq) {
      this.problem(namedBy, "it excuses entries that are absent, and no checkpoint vouches for it");
    }
    const vouched = this.#anchors.length === 0 ? size : (this.anchor?.seq ?? -1) + 1;
    if (vouched < minSize) {
      const what = this.#anchors.length === 0 ? "it has" : "the checkpoints vouch for";
      this.problem(undefined, `${what} ${vouched} entries, and ${minSize} are asked for`);
    }
  }

  #anchored(seq: number, hash: string, log: string): void {
    for (const anchor of this.#anchors) {
      if (anchor.size !== seq + 1 || anchor.log !== log) continue;
      if (anchor.hash === hash) this.anchor = { seq, signedBy: anchor.signedBy };
      else this.problem(seq, "it is not the entry that a checkpoint was made of: the log was made anew up to here");
    }
  }

  /** Checks one entry's place in the chain. `entry` is absent when its text is damaged. */
  #entry(seq: number, hash: string, entry: Entry | undefined): void {
    if (this.#expected !== undefined && seq < this.#expected) {
      if (this.#hashes.get(seq) !== hash) this.problem(seq, "it is there twice, and the two are not the same");
      return;
    }
    this.#hashes.set(seq, hash);
    this.#gap(seq, entry);
    const problem = entry === undefined ? "its text and its hash do not agree" : this.#misfit(seq, entry);
    if (problem !== undefined) this.problem(seq, problem);
    else if (entry !== undefined) this.#link(seq, entry);
    this.#previous = problem === undefined ? { seq, hash } : undefined;
    this.#expected = seq + 1;
    if (entry === undefined) return;
    this.#log ??= entry.log;
    this.#anchored(seq, hash, entry.log);
    this.last = { seq, ts: entry.ts };
    if (isCounted(entry)) this.entries += 1;
    if (entry.kind === "segment") this.#named(seq, entry);
    if (problem === undefined) this.outcomes.add(seq, entry);
  }

  #gap(seq: number, entry: Entry | undefined): void {
    if (this.#expected === undefined) {
      if (seq > 0) this.#start = { seq, prev: entry?.prev ?? "", namedBy: undefined };
      if (seq > 0) this.#previous = undefined;
    } else if (seq > this.#expected) {
      this.#missing(seq - 1);
      this.#previous = undefined;
    }
  }

  /** All up to `last` should have come by now. */
  #missing(last: number): void {
    if (this.#expected === undefined || last < this.#expected) return;
    const which = last > this.#expected ? `entries ${this.#expected} to ${last} are` : "it is";
    this.problem(this.#expected, `${which} missing`);
  }

  #misfit(seq: number, entry: Entry): string | undefined {
    if (entry.v !== FORMAT_VERSION) return `its format, ${entry.v}, is not known`;
    if (!ENTRY_KINDS.has(entry.kind)) return "its kind is not known";
    if (entry.seq !== seq) return `it says of itself that it is entry ${entry.seq}`;
    if (seq < 0 || (entry.kind === "genesis") !== (seq === 0)) {
      return "a log begins with one genesis entry, and has no other";
    }
    if (this.#log !== undefined && entry.log !== this.#log) return "it belongs to another log";
    return missingMember(entry);
  }

  /** An entry that is sound in itself and not followed by the next was changed and given a new hash. */
  #link(seq: number, entry: Entry): void {
    const previous = this.#previous;
    if (previous === undefined || entry.prev === previous.hash) return;
    if (seq === 0) this.problem(0, "a genesis entry follows nothing");
    else this.problem(previous.seq, `it is not the entry that entry ${seq} was recorded after`);
  }

  /** What a segment entry says must be true of the segment, if that is here, or of what follows it, if not. */
  #named(seq: number, { first, last, head, digest }: SegmentEntry): void {
    if (this.#start !== undefined && last === this.#start.seq - 1) {
      this.#start.namedBy = seq;
      if (this.#start.prev !== head) {
        this.problem(this.#start.seq, `it does not follow the segment that entry ${seq} names`);
      }
    }
    const segment = this.#segments.get(first);
    if (segment === undefined) return;
    segment.isNamed = true;
    if (segment.digest !== digest || segment.last !== last) {
      this.problem(seq, `the segment ${segment.name} is not the file that this entry names`);
    }
  }

  #columns(row: Row, entry: Entry, seq: number): void {
    if (!ENTRY_KINDS.has(entry.kind)) return;
    const expected = derivedColumns(entry);
    for (const [index, value] of expected.entries()) {
      if (row.derived[index] !== withoutMark(value)) {
        this.problem(seq, `its column ${DERIVED_COLUMNS[index] ?? ""} does not agree with its text`);
        return;
      }
    }
    // Text that goes on behind a NUL looks the same, and is longer. What is not ASCII may look the same in other bytes too.
    const text = expected.join("");
    const bytes = Buffer.byteLength(text);
    if (bytes !== row.derivedBytes || (bytes !== text.length && !row.agrees(expected))) {
      this.problem(seq, "one of its columns does not agree with its text");
    }
  }
}

/** What pairing goes by must be what its type says: whoever computes a hash can have written anything. */
function missingMember(entry: Entry): string | undefined {
  if (entry.kind === "outcome" && !Number.isSafeInteger(entry.of)) return "it names no decision";
  if (entry.kind === "decision" && typeof entry.authorized !== "boolean") {
    return "it does not say whether the call was let through";
  }
  return undefined;
}

/** A byte order mark at the beginning of a text is not shown to us; that it is there, the count of bytes tells. */
function withoutMark(value: string | number | null): string | number | null {
  return typeof value === "string" && value.startsWith("\uFEFF") ? value.slice(1) : value;
}
