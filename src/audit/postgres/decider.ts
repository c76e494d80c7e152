/**
 * Appends what is decided while nobody else can append: in one transaction that holds the log's lock, catches up with
 * what others have recorded about approvals, decides, and appends.
 */

import { randomUUID } from "node:crypto";

import { AuditCorruptError } from "../../errors.ts";
import { Batch } from "../appending/batch.ts";
import { soundEntry, type Head, type PreparedEntry } from "../format/entry.ts";
import { OpenItemsRegister } from "../open-items/open-items.ts";
import type { Proposal, Settled } from "../appending/proposal.ts";
import { askFor, MAX_CONFLICTS, Patience, stillDoubtful, type Append } from "./appender.ts";
import { isConflict, PostgresFailure } from "./failure.ts";
import { linked, type Appended } from "./links.ts";
import type { KeptSession, Session } from "./sessions.ts";
import { lockWait, type PostgresTarget } from "./target.ts";

/** Where a log stands while it is locked. */
interface Locked {
  readonly log: string;
  readonly identity: string;
  /** The latest time of the entries since the last one about approvals; `null` when there is none of those. */
  readonly latest: string | null;
  readonly seq: string;
  readonly hash: string;
}

interface ApprovalRow {
  readonly seq: string;
  readonly hash: string;
  readonly body: string;
  /** The latest time of the entries since the one before. */
  readonly passed: string;
}

/** One decided batch on its way. */
interface Decision {
  readonly append: Append;
  readonly answers: readonly Settled<unknown>[];
  readonly head: Head;
}

/** Decides for one log, one batch after the other. */
export class Decider {
  readonly #target: PostgresTarget;
  readonly #session: KeptSession;
  /** What of approvals is open, and the last entry about approvals in it; absent until somebody asks, and after a failure. */
  #open: { readonly register: OpenItemsRegister; last: number } | undefined;

  constructor(target: PostgresTarget, session: KeptSession) {
    this.#target = target;
    this.#session = session;
  }

  /**
   * Appends what the proposals decide, all of it or nothing; answers what they answer once that is durable, and the last
   * entry that is known to be there. `known` is one that was there before.
   *
   * @throws PostgresFailure when nothing was appended, or whether that was done can't be found out in time.
   * @throws AuditCorruptError when what the server has contradicts itself. What a proposal throws.
   */
  async decide(
    proposals: readonly Proposal<unknown>[],
    ts: string,
    known: Head,
  ): Promise<{ readonly answers: readonly Settled<unknown>[]; readonly head: Head }> {
    for (let attempt = 1; ; attempt += 1) {
      const made: { decision?: Decision } = {};
      try {
        return await this.#session.use(async (session) => await this.#transact(session, proposals, ts, known, made));
      } catch (error) {
        this.#open = undefined;
        if (!(error instanceof PostgresFailure)) throw error;
        // Whatever was lost before the commit was asked for has been undone.
        if (made.decision !== undefined && !error.isUndone) {
          if (await this.#isThere(made.decision, known, error)) return made.decision;
          if (attempt >= MAX_CONFLICTS) throw new PostgresFailure(error.message, error.code, true);
        } else if (!isConflict(error) || attempt >= MAX_CONFLICTS) {
          throw new PostgresFailure(error.message, error.code, true);
        }
      }
    }
  }

  async #transact(
    session: Session,
    proposals: readonly Proposal<unknown>[],
    ts: string,
    known: Head,
    made: { decision?: Decision },
  ): Promise<Decision> {
    const { log: name, answerTimeoutMs } = this.#target;
    // Whoever stops in the middle, and yet keeps the connection, does not hold up the others for ever.
    const lock = `SELECT log::text, identity, latest, seq::text, hash,
      set_config('idle_in_transaction_session_timeout', $5, true) FROM capfence.lock_log($1, $2, $3, $4)`;
    const values = [name, known.seq, known.hash, lockWait(answerTimeoutMs), String(answerTimeoutMs)];
    await session.begin("READ COMMITTED");
    const [locked] = await session.run<Locked>(lock, values);
    const { log, identity, latest, seq, hash } = locked as Locked;
    const register = await this.#catchUp(session, log);
    if (latest !== null) register.passes(latest);
    const batch = new Batch(identity, { seq: Number(seq), hash }, ts, { known: register, found: register });
    const entries: PreparedEntry[] = [];
    const answers = proposals.map((proposal) => {
      const decided = proposal(batch);
      entries.push(...decided.entries);
      return { answer: decided.answer, heads: decided.entries.map((entry) => batch.add(entry)) };
    });
    const append: Append = {
      id: randomUUID(),
      templates: entries.map((entry) => entry.template(identity, ts)),
      entries,
    };
    const decision = { append, answers, head: batch.head };
    if (entries.length > 0) {
      const appended = await askFor(session, this.#target, append, known, false);
      this.#expectSame(appended, decision, known);
      made.decision = decision;
    }
    await session.run("COMMIT");
    if (this.#open !== undefined) this.#open.last = Math.max(this.#open.last, batch.head.seq);
    return decision;
  }

  /** Reads what others have recorded about approvals since. */
  async #catchUp(session: Session, log: string): Promise<OpenItemsRegister> {
    const open = (this.#open ??= { register: new OpenItemsRegister(), last: -1 });
    const text = "SELECT seq::text, hash, body, passed FROM capfence.approvals_after($1, $2)";
    const rows = await session.run<ApprovalRow>(text, [log, open.last]);
    for (const { seq, hash, body, passed } of rows) {
      const stored = soundEntry(hash, body);
      if (stored === undefined || String(stored.seq) !== seq) {
        throw new AuditCorruptError(this.#target.name, `entry ${seq} is damaged. Run capfence verify`, {
          seq: Number(seq),
        });
      }
      open.register.passes(passed);
      open.register.apply(hash, stored.entry);
      open.last = stored.seq;
    }
    return open.register;
  }

  #expectSame(appended: Appended, { append, head }: Decision, known: Head): void {
    const last = linked(this.#target.name, append.templates, appended, known).at(-1);
    if (last?.seq === head.seq && last.hash === head.hash) return;
    throw new AuditCorruptError(this.#target.name, `entry ${head.seq} was not recorded as it was given`, {
      seq: head.seq,
    });
  }

  /**
   * Whether a batch whose commit was asked for is there. Under the lock, that it held, it has either ended well or not at
   * all.
   */
  async #isThere({ append }: Decision, known: Head, lost: PostgresFailure): Promise<boolean> {
    const patience = new Patience();
    const nothing: Append = { ...append, templates: [] };
    for (const since = performance.now(); performance.now() - since <= this.#target.resolveTimeoutMs;) {
      await patience.wait();
      try {
        return await this.#session.use(async (session) => {
          const { previous } = await askFor(session, this.#target, nothing, known, true);
          return previous !== null;
        });
      } catch (error) {
        if (!(error instanceof PostgresFailure) || error.code === "CF002") throw error;
      }
    }
    throw stillDoubtful(lost);
  }
}
