/** What `capfence logs` shows: decisions, each with how its call ended, as a table or as JSON. */

import type { DecisionEntry, OutcomeEntry } from "../audit/format/entry.ts";
import type { Host } from "./host.ts";
import { Table } from "./table.ts";
import { coloursFor, jsonLine, textOf, type Colours } from "./terminal.ts";
import { formatTime } from "./time.ts";

/** A line to be printed: a decision, or an outcome that was recorded after its decision was printed. */
export interface Shown {
  readonly seq: number;
  readonly hash: string;
  readonly entry: DecisionEntry | OutcomeEntry;
  /** How the call ended; absent while no entry says it. */
  readonly ended?: OutcomeEntry;
}

const HEADER = ["timestamp", "agent_id", "capability", "decision", "reason"] as const;
const DECISION_COLUMN = HEADER.indexOf("decision");
const OUTCOME_COLUMN = HEADER.length;

/** Prints lines as they come. */
export class EntryPrinter {
  readonly #host: Host;
  readonly #json: boolean;
  readonly #colours: Colours;
  #table: Table | undefined;
  #hasOutcomes = false;

  constructor(host: Host, json: boolean) {
    this.#host = host;
    this.#json = json;
    this.#colours = coloursFor(host);
  }

  /** Prints further lines. The first call prints the header, and so does the one that first has an outcome to show. */
  print(lines: readonly Shown[]): void {
    if (this.#json) {
      for (const line of lines) {
        const { entry, seq, hash } = line;
        this.#host.stdout.write(jsonLine({ ...entry, seq, hash, outcome: outcomeText(line) }));
      }
      return;
    }
    if (!this.#hasOutcomes && lines.some(({ ended }) => ended !== undefined)) {
      this.#hasOutcomes = true;
      this.#table = undefined;
    }
    this.#table ??= new Table(this.#hasOutcomes ? [...HEADER, "outcome"] : HEADER, this.#paint.bind(this));
    this.#host.stdout.write(this.#table.lines(lines.map((line) => this.#cells(line))));
  }

  #cells(line: Shown): string[] {
    const { entry } = line;
    const [decision, reason] = entry.kind === "decision" ? [decisionText(entry), entry.reason] : ["-", "-"];
    const cells = [formatTime(entry.ts), entry.actor, entry.capability, decision, reason];
    return (this.#hasOutcomes ? [...cells, outcomeText(line)] : cells).map(textOf);
  }

  #paint(cell: string, column: number, text: string): string {
    const { green, red, yellow } = this.#colours;
    if (column === OUTCOME_COLUMN) return text === "failed" ? red(cell) : cell;
    if (column !== DECISION_COLUMN || text === "-") return cell;
    if (text === "allow") return green(cell);
    return text === "deny" ? red(cell) : yellow(cell);
  }
}

/** The decision in a word or two, marked when the call was let through all the same because the runtime only observes. */
export function decisionText({ decision, enforced }: DecisionEntry): string {
  return enforced === false ? `${textOf(decision)} (observed)` : textOf(decision);
}

/** How the call ended, in one word. What an entry says goes before what should have been. */
export function outcomeText({ entry, ended }: Pick<Shown, "entry" | "ended">): string {
  if (ended !== undefined) return ended.status === "finished" ? "ok" : ended.status;
  return entry.kind === "decision" && !entry.authorized ? "blocked" : "unknown";
}
