/** Everything that a log says about one decision. */

import type { AuditLocation } from "../audit/location.ts";
import type { DecisionEntry, Entry, OutcomeEntry, StoredEntry } from "../audit/format/entry.ts";
import { verifyEntries, type VerifyReport } from "../audit/verify.ts";

/** Decisions of the same conversation or run that are told, before the decision and after it. */
const NEIGHBOURS = 5;

/** Fewest digits of a hash that name an entry. */
const MIN_PREFIX = 4;

/** A decision and where it lies. */
export interface TracedDecision {
  readonly seq: number;
  readonly hash: string;
  readonly entry: DecisionEntry;
}

/** A decision, and what has to do with it. */
export interface DecisionTrace extends TracedDecision {
  /** How the call ended; absent while no entry says it. */
  readonly outcome?: { readonly seq: number; readonly entry: OutcomeEntry };
  /** What was asked of people about it and what they answered: requests, answers, grants, in order. */
  readonly approvals: readonly Answering[];
  /** Decisions of the same session, or of the same run: the nearest before it and after it, in order. */
  readonly before: readonly TracedDecision[];
  readonly after: readonly TracedDecision[];
  /** What verification of the whole log has found. */
  readonly verified: VerifyReport;
}

/** An entry about a request or a grant. */
export interface Answering {
  readonly seq: number;
  readonly entry: Extract<Entry, { readonly kind: "approval" | "grant" }>;
}

/** Why no decision could be found: nothing has that name, or it is no decision, or several have it. */
export interface NotFound extends Nothing {
  /** What verification of the whole log has found. */
  readonly verified: VerifyReport;
}

interface Nothing {
  readonly problem: string;
}

/**
 * What `location` says about the decision called `name`: by its number, by its hash or the beginning of that, by its event, or
 * by the request or grant it was about; an outcome's or an answer's name stands for its decision. The log is verified on the
 * way; entries that are damaged are left out.
 *
 * @throws AuditUnavailableError when there is no log, or it can't be read.
 */
export async function traceDecision(location: AuditLocation, name: string): Promise<DecisionTrace | NotFound> {
  const { value: named, verified } = await scan(location, new Naming(name));
  const found = named.found();
  if ("problem" in found) return { ...found, verified };
  const decision = found.decision ?? (await scan(location, new Led(found))).value.decision;
  if (decision === undefined) return { problem: `the decision of entry ${found.named} is not in this log`, verified };
  const { value: story } = await scan(location, new Story(decision));
  return { ...decision, ...story.told, verified };
}

/** Something that looks at every entry. */
interface Reader {
  add(stored: StoredEntry): void;
}

async function scan<R extends Reader>(
  location: AuditLocation,
  value: R,
): Promise<{ readonly value: R; readonly verified: VerifyReport }> {
  const entries = verifyEntries(location);
  for (;;) {
    const next = await entries.next();
    if (next.done === true) return { value, verified: next.value };
    for (const stored of next.value) value.add(stored);
  }
}

/** What leads to a decision: itself, its number, or its event. */
interface Lead {
  /** The entry that was named. */
  readonly named: number;
  readonly decision?: TracedDecision;
  readonly seq?: number;
  readonly event?: string;
}

/** Looks for the entries that have a name. */
class Naming implements Reader {
  readonly #name: string;
  readonly #prefix: string | undefined;
  #numbered: StoredEntry | undefined;
  readonly #hashed: StoredEntry[] = [];
  readonly #others: StoredEntry[] = [];

  constructor(name: string) {
    this.#name = name;
    this.#prefix = new RegExp(`^[0-9a-f]{${MIN_PREFIX},64}$`, "i").test(name) ? name.toLowerCase() : undefined;
  }

  add(stored: StoredEntry): void {
    const { seq, hash, entry } = stored;
    if (String(seq) === this.#name) this.#numbered = stored;
    if (this.#prefix !== undefined && hash.startsWith(this.#prefix)) this.#hashed.push(stored);
    if (entry.kind === "decision" && (entry.event === this.#name || entry.approval === this.#name)) {
      this.#others.push(stored);
    }
  }

  found(): Lead | Nothing {
    // A number is a number, though it may also be the beginning of a hash.
    if (this.#numbered !== undefined) return leadOf(this.#numbered);
    const all = this.#hashed.length > 0 ? this.#hashed : this.#others;
    const last = all.at(-1);
    if (last === undefined) return { problem: "no entry has that number, hash or id" };
    // Of the decisions about one request, the last says what has come of it.
    if (all.length === 1 || (last.entry.kind === "decision" && last.entry.approval === this.#name)) return leadOf(last);
    const which = all.slice(0, NEIGHBOURS).map(({ seq }) => seq);
    return { problem: `several entries are called that: ${which.join(", ")}${all.length > NEIGHBOURS ? ", …" : ""}` };
  }
}

function leadOf({ seq, hash, entry }: StoredEntry): Lead | Nothing {
  if (entry.kind === "decision") return { named: seq, decision: { seq, hash, entry } };
  if (entry.kind === "outcome") return { named: seq, seq: entry.of };
  if ((entry.kind === "approval" || entry.kind === "grant") && "event" in entry && entry.event !== undefined) {
    return { named: seq, event: entry.event };
  }
  return { problem: `entry ${seq} is about no decision: its kind is ${entry.kind}` };
}

/** Looks for the decision that something leads to. */
class Led implements Reader {
  readonly #lead: Lead;
  decision: TracedDecision | undefined;

  constructor(lead: Lead) {
    this.#lead = lead;
  }

  add({ seq, hash, entry }: StoredEntry): void {
    if (entry.kind !== "decision") return;
    if (seq === this.#lead.seq || (this.#lead.event !== undefined && entry.event === this.#lead.event)) {
      this.decision ??= { seq, hash, entry };
    }
  }
}

/** Collects what has to do with a decision. */
class Story implements Reader {
  readonly #of: TracedDecision;
  #outcome: DecisionTrace["outcome"];
  readonly #approvals: Answering[] = [];
  readonly #before: TracedDecision[] = [];
  readonly #after: TracedDecision[] = [];

  constructor(of: TracedDecision) {
    this.#of = of;
  }

  add({ seq, hash, entry }: StoredEntry): void {
    if (entry.kind === "outcome" && entry.of === this.#of.seq) this.#outcome ??= { seq, entry };
    if (entry.kind === "approval" || entry.kind === "grant") this.#answering(seq, entry);
    if (entry.kind !== "decision" || seq === this.#of.seq || !isTogether(entry, this.#of.entry)) return;
    if (seq > this.#of.seq) {
      if (this.#after.length < NEIGHBOURS) this.#after.push({ seq, hash, entry });
      return;
    }
    this.#before.push({ seq, hash, entry });
    if (this.#before.length > NEIGHBOURS) this.#before.shift();
  }

  /** What is said of the request or the grant; of a grant only that it was made and ended, and this call's use of it. */
  #answering(seq: number, entry: Answering["entry"]): void {
    if (entry.id !== this.#of.entry.approval) return;
    if (entry.kind === "grant" && entry.status === "used" && entry.event !== this.#of.entry.event) return;
    this.#approvals.push({ seq, entry });
  }

  get told(): Pick<DecisionTrace, "outcome" | "approvals" | "before" | "after"> {
    return {
      ...(this.#outcome !== undefined && { outcome: this.#outcome }),
      approvals: this.#approvals,
      before: this.#before,
      after: this.#after,
    };
  }
}

/** Whether two decisions are of one conversation, or their calls were made by one run. */
function isTogether(left: DecisionEntry, right: DecisionEntry): boolean {
  if (left.session !== undefined && left.session === right.session) return true;
  const [one, other] = [runOf(left), runOf(right)];
  return one !== undefined && one === other;
}

/** The run that made a call. */
function runOf({ context }: DecisionEntry): unknown {
  return context?.["parentRunId"] ?? undefined;
}
