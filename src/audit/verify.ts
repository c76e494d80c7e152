/**
 * Verification: every entry against its hash, its place and the entry before it; every column and the schema against
 * the entries; the tail against the database. Nothing is written.
 */

import { setImmediate as nextTurn } from "node:timers/promises";

import { AuditCorruptError } from "../errors.ts";
import { BEFORE_GENESIS } from "./chain.ts";
import { DERIVED_COLUMNS, derivedColumns, EntryDatabase, loadEngine, type Row } from "./database.ts";
import { ENTRY_KINDS, FORMAT_VERSION, isCounted, parseEntry, sha256, type Entry, type Head } from "./entry.ts";
import { nodeFiles } from "./files.ts";
import { readLogBytes } from "./read.ts";
import { parseTailHeader, parseTailLine, splitTail } from "./tail.ts";

/** One thing that is wrong with a log. */
export interface VerifyProblem {
  /** The entry at fault; absent when it is the log as a whole. */
  readonly seq?: number;
  /** What is wrong, half a sentence. */
  readonly what: string;
}

/** What {@link verifyLog} found. */
export interface VerifyReport {
  /** Whether nothing is wrong. A plain chain can't notice that its end was cut, or that all of it was made anew. */
  readonly intact: boolean;
  /** Decisions and outcomes that were read; what the log keeps for itself is not counted. */
  readonly entries: number;
  /** The last entry. A copy that was made without its tail shows here. */
  readonly last?: { readonly seq: number; readonly ts: string };
  /** What is wrong, in the order of the log; at most 100. */
  readonly problems: readonly VerifyProblem[];
  /** What is worth knowing and no fault: an unfinished write at the end, as a crash leaves it. */
  readonly warnings: readonly string[];
}

/**
 * Verifies the log at `path`, as a stream.
 *
 * @throws AuditUnavailableError when there is no log at `path`, it can't be read, or it is of a newer format.
 */
export async function verifyLog(path: string): Promise<VerifyReport> {
  const engine = await loadEngine();
  const check = new Check();
  try {
    const { tail, database: bytes } = readLogBytes(path);
    for (const suffix of ["-journal", "-wal"]) {
      if (nodeFiles.identify(`${path}${suffix}`) !== undefined) {
        check.problem(undefined, `${path}${suffix} would make other SQLite readers see something else`);
      }
    }
    const lines = tail === undefined ? undefined : splitTail(tail);
    const header = parseTailHeader(lines?.lines[0]);
    const database = EntryDatabase.open(engine, bytes, path);
    try {
      const structure = database.structureProblem();
      if (structure !== undefined) check.problem(undefined, `the database's structure is damaged (${structure})`);
      let turn = 0;
      for (const row of database.rows()) {
        check.row(row, header?.head.seq ?? Infinity);
        turn += 1;
        if (turn % 1024 === 0) await nextTurn();
      }
    } finally {
      database.close();
    }
    if (lines !== undefined) check.tail(lines.lines, header, lines.rest);
  } catch (error) {
    if (!AuditCorruptError.isInstance(error)) throw error;
    check.problem(error.seq, error.message);
  }
  return check.report();
}

const MAX_PROBLEMS = 100;

class Check {
  readonly #problems: VerifyProblem[] = [];
  readonly #warnings: string[] = [];
  #entries = 0;
  #last: { readonly seq: number; readonly ts: string } | undefined;
  #log: string | undefined;
  /** What the next entry must follow; `undefined` after one that was found wrong or missing. */
  #previous: Head | undefined = BEFORE_GENESIS;
  #expected = 0;
  /** Hashes of the database's last entries, from where the tail begins. */
  readonly #overlap = new Map<number, string>();

  problem(seq: number | undefined, what: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ ...(seq !== undefined && { seq }), what });
  }

  row(row: Row, overlapFrom: number): void {
    const { seq, hash, body, bodyIsText } = row;
    if (typeof seq !== "number") return this.problem(undefined, "a row's number is not a number");
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (seq >= overlapFrom) this.#overlap.set(seq, String(hash));
    const computed = sha256(text);
    const entry = bodyIsText && hash === computed ? parseEntry(text.toString("utf8")) : undefined;
    this.#entry(seq, computed, entry);
    if (entry !== undefined) this.#columns(row, entry, seq);
  }

  tail(lines: readonly Buffer[], header: ReturnType<typeof parseTailHeader>, rest: Buffer): void {
    if (header === undefined) return this.problem(undefined, "the first line of the tail is damaged");
    const { log, head } = header;
    if (this.#log !== undefined && log !== this.#log) this.problem(undefined, "the tail belongs to another log");
    const known = this.#overlap.get(head.seq);
    if (known !== undefined && known !== head.hash) {
      this.problem(head.seq, "the tail follows another entry than the one in the database");
    }
    for (const [index, line] of lines.slice(1).entries()) this.#line(line, head.seq + 1 + index);
    if (rest.length === 0) return;
    // One changed byte where the line feed was: a whole entry and not the beginning of one.
    if (parseTailLine(rest.subarray(0, -1)) !== undefined) {
      this.problem(this.#expected, "the end of its line in the tail was changed");
    } else {
      this.#warnings.push(`${rest.length} bytes at the end of the tail are an unfinished write, and no entry`);
    }
  }

  report(): VerifyReport {
    if (this.#expected === 0 && this.#problems.length === 0) this.problem(undefined, "it has no entries");
    return {
      intact: this.#problems.length === 0,
      entries: this.#entries,
      ...(this.#last !== undefined && { last: this.#last }),
      problems: this.#problems,
      warnings: this.#warnings,
    };
  }

  #line(line: Buffer, place: number): void {
    const stored = parseTailLine(line);
    const inDatabase = this.#overlap.get(place);
    if (inDatabase === undefined) {
      this.#entry(place, stored?.hash ?? "", stored?.entry);
    } else if (inDatabase !== stored?.hash) {
      this.problem(place, "the tail and the database hold different entries");
    }
  }

  /** Checks one entry's place in the chain. `entry` is absent when its text is damaged. */
  #entry(seq: number, hash: string, entry: Entry | undefined): void {
    if (seq > this.#expected) {
      const upTo = seq - 1 > this.#expected ? `entries ${this.#expected} to ${seq - 1} are` : "it is";
      this.problem(this.#expected, `${upTo} missing`);
      this.#previous = undefined;
    }
    const problem = entry === undefined ? "its text and its hash do not agree" : this.#misfit(seq, entry);
    if (problem !== undefined) this.problem(seq, problem);
    else if (entry !== undefined) this.#link(seq, entry);
    this.#previous = problem === undefined ? { seq, hash } : undefined;
    this.#expected = seq + 1;
    if (entry === undefined) return;
    this.#log ??= entry.log;
    this.#last = { seq, ts: entry.ts };
    if (isCounted(entry)) this.#entries += 1;
  }

  #misfit(seq: number, entry: Entry): string | undefined {
    if (entry.v !== FORMAT_VERSION) return `its format, ${entry.v}, is not known`;
    if (!ENTRY_KINDS.has(entry.kind)) return "its kind is not known";
    if (entry.seq !== seq) return `it says of itself that it is entry ${entry.seq}`;
    if ((entry.kind === "genesis") !== (seq === 0)) return "a log begins with one genesis entry, and has no other";
    if (this.#log !== undefined && entry.log !== this.#log) return "it belongs to another log";
    return undefined;
  }

  /** An entry that is sound in itself and not followed by the next was changed and given a new hash. */
  #link(seq: number, entry: Entry): void {
    const previous = this.#previous;
    if (previous === undefined || entry.prev === previous.hash) return;
    if (seq === 0) this.problem(0, "a genesis entry follows nothing");
    else this.problem(previous.seq, `it is not the entry that entry ${seq} was recorded after`);
  }

  #columns(row: Row, entry: Entry, seq: number): void {
    if (!ENTRY_KINDS.has(entry.kind)) return;
    const expected = derivedColumns(entry);
    const wrong = DERIVED_COLUMNS.filter((_, index) => row.derived[index] !== expected[index]);
    const bytes = expected.reduce<number>((sum, value) => sum + Buffer.byteLength(value === null ? "" : `${value}`), 0);
    if (wrong.length > 0) this.problem(seq, `its column ${wrong.join(", ")} does not agree with its text`);
    else if (bytes !== row.derivedBytes) this.problem(seq, "one of its columns does not agree with its text");
  }
}
