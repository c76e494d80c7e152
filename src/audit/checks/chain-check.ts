/** The checks of verification, fed with a log's entries part by part, in order. */

import { AnchorCheck } from "./anchor-check.ts";
import type { Anchor } from "../checkpoints/anchor.ts";
import { columnProblem } from "./column-check.ts";
import { ENTRY_KINDS, isCounted, soundEntry, type Entry, type Head, type StoredEntry } from "../format/entry.ts";
import { Findings } from "./findings.ts";
import { OpenItemsCheck } from "./open-items-check.ts";
import { OutcomePairing } from "./outcome-pairing.ts";
import { PartCheck } from "./part-check.ts";
import type { Row } from "../format/rows.ts";
import { BEFORE_GENESIS, misfit } from "../format/successor.ts";
import { parseTailLine, type TailHeader } from "../format/tail.ts";
import { unfinishedProblem } from "../format/unfinished.ts";

/** Follows one log's chain. Feed it the segments, then the database's rows, then the tail. */
export class ChainCheck {
  readonly findings: Findings = new Findings();
  readonly parts: PartCheck = new PartCheck(this.findings);
  readonly anchors: AnchorCheck;
  readonly #openItems: OpenItemsCheck = new OpenItemsCheck(this.findings);
  /** Pairs decisions with outcomes. */
  readonly outcomes: OutcomePairing = new OutcomePairing();
  /** Decisions, outcomes and approvals seen. */
  entries = 0;
  /** The last entry seen. */
  last: { readonly seq: number; readonly ts: string } | undefined;
  #log: string | undefined;
  #sound: StoredEntry[] = [];
  #expected: number | undefined;
  /** What the next entry must follow; `undefined` after one that was found wrong or missing. */
  #previous: Head | undefined = BEFORE_GENESIS;
  /** Hashes from the present segment's first entry on: a crash can leave an entry in two parts, and they must agree. */
  readonly #hashes = new Map<number, string>();

  constructor(anchors: readonly Anchor[]) {
    this.anchors = new AnchorCheck(anchors, this.findings);
  }

  /** The rows of a segment file follow. `first` is the number in the file's name. */
  segment(name: string, first: number, digest: string): void {
    this.#hashes.clear();
    this.parts.segment(name, first, digest);
  }

  row(row: Row): void {
    const { seq, hash, body } = row;
    this.parts.row(seq, this.#isKnown(seq));
    const stored = soundEntry(hash, body);
    // What is damaged agrees with nothing, though its text were that of a sound one elsewhere.
    this.#entry(seq, stored);
    if (stored === undefined || !ENTRY_KINDS.has(stored.entry.kind)) return;
    const problem = columnProblem(row, stored.entry);
    if (problem !== undefined) this.findings.problem(seq, problem);
  }

  /** An entry that is stored with its number and hash beside it; answers it if it is sound in itself. */
  stored(seq: number, hash: string, body: string | null): Entry | undefined {
    const isKnown = this.#isKnown(seq);
    this.parts.row(seq, isKnown);
    // They come in order, so only the last one can come again.
    if (!isKnown) this.#hashes.clear();
    const stored = soundEntry(hash, body);
    this.#entry(seq, stored);
    return stored?.entry;
  }

  tail(lines: readonly Buffer[], header: TailHeader | undefined, rest: Buffer): void {
    if (header === undefined) return this.findings.problem(undefined, "the first line of the tail is damaged");
    const { log, head } = header;
    if (this.#log !== undefined && log !== this.#log) {
      this.findings.problem(undefined, "the tail belongs to another log");
    }
    const known = this.#hashes.get(head.seq);
    if (known !== undefined && known !== head.hash) {
      this.findings.problem(head.seq, "the tail follows another entry than the one in the database");
    }
    // Each line says so itself; where there is none, the first line does.
    if (lines.length === 1) this.#missing(head.seq);
    for (const [index, line] of lines.slice(1).entries()) {
      this.#entry(head.seq + 1 + index, parseTailLine(line));
    }
    if (rest.length === 0) return;
    const problem = unfinishedProblem(rest);
    if (problem !== undefined) this.findings.problem(this.#expected, problem);
    else
      this.findings.warnings.push(`${rest.length} bytes at the end of the tail are an unfinished write, and no entry`);
  }

  /** After the database's rows. */
  databaseRead(): void {
    this.parts.databaseRead(this.#expected);
  }

  /** The next entry of a list that holds nothing but entries. */
  entry(stored: StoredEntry): void {
    this.#entry(stored.seq, stored);
  }

  /** After the last entry. */
  end(minSize: number): void {
    if (this.last === undefined && this.findings.problems.length === 0) {
      this.findings.problem(undefined, "it has no entries");
    }
    this.parts.end();
    this.anchors.end(this.#log, (this.last?.seq ?? -1) + 1, this.parts.excuse, minSize);
  }

  #isKnown(seq: number): boolean {
    return seq < (this.#expected ?? -Infinity);
  }

  /** The entries since it was asked before that are sound in themselves and say their own place, each once and in order. */
  take(): readonly StoredEntry[] {
    const sound = this.#sound;
    this.#sound = [];
    return sound;
  }

  /** Checks one entry's place in the chain. `stored` is absent when its text is damaged. */
  #entry(seq: number, stored: StoredEntry | undefined): void {
    const hash = stored?.hash ?? "";
    if (this.#isKnown(seq)) {
      if (this.#hashes.get(seq) !== hash) {
        this.findings.problem(seq, "it is there twice, and the two are not the same");
      }
      return;
    }
    this.#hashes.set(seq, hash);
    this.#gap(seq, stored?.entry);
    if (this.#previous === undefined) this.#openItems.lost();
    this.#expected = seq + 1;
    if (stored === undefined) {
      this.findings.problem(seq, "its text and its hash do not agree");
      this.#previous = undefined;
      return;
    }
    const { entry } = stored;
    const problem = misfit(entry, seq, this.#log);
    if (problem !== undefined) this.findings.problem(seq, problem);
    else this.#link(seq, entry);
    this.#previous = problem === undefined ? { seq, hash } : undefined;
    this.#log ??= entry.log;
    this.anchors.entry(seq, hash, entry.log);
    this.last = { seq, ts: entry.ts };
    if (isCounted(entry)) this.entries += 1;
    if (entry.kind === "segment") this.parts.named(seq, entry);
    if (problem !== undefined) return;
    this.outcomes.add(seq, entry);
    this.#openItems.entry(seq, hash, entry);
    this.#sound.push(stored);
  }

  #gap(seq: number, entry: Entry | undefined): void {
    if (this.#expected === undefined) {
      if (seq <= 0) return;
      this.parts.beginsLate(seq, entry?.prev);
      this.#previous = undefined;
    } else if (seq > this.#expected) {
      this.#missing(seq - 1);
      this.#previous = undefined;
    }
  }

  /** All up to `last` should have come by now. */
  #missing(last: number): void {
    if (this.#expected === undefined || last < this.#expected) return;
    const which = last > this.#expected ? `entries ${this.#expected} to ${last} are` : "it is";
    this.findings.problem(this.#expected, `${which} missing`);
  }

  /** An entry that is sound in itself and not followed by the next was changed and given a new hash. */
  #link(seq: number, entry: Entry): void {
    const previous = this.#previous;
    if (previous === undefined || entry.prev === previous.hash) return;
    this.#openItems.lost();
    if (seq === 0) this.findings.problem(0, "a genesis entry follows nothing");
    else this.findings.problem(previous.seq, `it is not the entry that entry ${seq} was recorded after`);
  }
}
