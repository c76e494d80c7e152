/**
 * Appends what is decided while nobody else can append: in one transaction that holds the log's lock, catches up with
 * what others have recorded about approvals, decides, and appends.
 */

import { AuditCorruptError } from "../../errors.ts";
import { newId } from "../../new-id.ts";
import { Batch } from "../appending/batch.ts";
import type { Head, PreparedEntry } from "../format/entry.ts";
import type { OpenItemsRegister } from "../open-items/open-items.ts";
import type { Proposal, Settled } from "../appending/proposal.ts";
import { MAX_CONFLICTS, Patience, stillDoubtful } from "./appender.ts";
import { appendEntries, lockLog, wasDone, type Append } from "./asking.ts";
import { CommittedItems } from "./committed-items.ts";
import { isConflict, PostgresFailure } from "./failure.ts";
import { linked, type Appended } from "./links.ts";
import type { Session } from "./session.ts";
import type { KeptSession } from "./sessions.ts";
import type { PostgresTarget } from "./target.ts";

/** One decided batch on its way. */
interface Decision {
  readonly append: Append;
  readonly answers: readonly Settled<unknown>[];
  readonly head: Head;
  /** What is open after it. */
  readonly open: OpenItemsRegister;
}

/** Decides for one log, one batch after the other. */
export class Decider {
  readonly #target: PostgresTarget;
  readonly #session: KeptSession;
  readonly #identity: string;
  readonly #items: CommittedItems;

  constructor(target: PostgresTarget, session: KeptSession, identity: string) {
    this.#target = target;
    this.#session = session;
    this.#identity = identity;
    this.#items = new CommittedItems(target);
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
        return this.#done(
          await this.#session.use(async (session) => await this.#transact(session, proposals, ts, known, made)),
        );
      } catch (error) {
        if (!(error instanceof PostgresFailure)) throw error;
        // Whatever was lost before the commit was asked for has been undone.
        if (made.decision !== undefined && !error.isUndone) {
          if (await this.#isThere(made.decision, known, error)) return this.#done(made.decision);
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
    const head = await this.#lock(session, known);
    // A copy, since nothing of what is decided counts before its commit is known.
    const open = this.#items.copy();
    const batch = new Batch(this.#identity, head, ts, open, [open]);
    const entries: PreparedEntry[] = [];
    const answers = proposals.map((proposal) => {
      const decided = proposal(batch);
      entries.push(...decided.entries);
      return { answer: decided.answer, heads: decided.entries.map((entry) => batch.add(entry)) };
    });
    const templates = entries.map((entry) => entry.template(this.#identity, ts));
    const append: Append = { id: newId(), templates };
    const decision = { append, answers, head: batch.head, open };
    if (entries.length > 0) {
      const appended = await appendEntries(session, this.#target, append, known, false);
      this.#expectSame(appended, decision, known);
      made.decision = decision;
    }
    await session.run("COMMIT");
    return decision;
  }

  /**
   * Begins a transaction in which nobody else appends to the log, with all known that is open in it; answers its last entry.
   * What there is to read may be years of it, and others wait as long as the lock is held. So what is more than a page is read
   * away from it. Whatever is left then came while the lock was waited for, which is no longer than anybody waits.
   */
  async #lock(session: Session, known: Head): Promise<Head> {
    const head = await this.#begin(session, known);
    if (await this.#items.readPage(session)) return head;
    await session.run("COMMIT");
    await session.transact(async () => await this.#items.readAll(session));
    const later = await this.#begin(session, known);
    await this.#items.readAll(session);
    return later;
  }

  async #begin(session: Session, known: Head): Promise<Head> {
    // Whoever stops in the middle, and yet keeps the connection, does not hold up the others for ever.
    await session.begin("READ COMMITTED", this.#target.answerTimeoutMs);
    return await lockLog(session, this.#target, known);
  }

  #done(decision: Decision): Decision {
    this.#items.moveTo(decision.open, decision.head);
    return decision;
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
    for (const since = performance.now(); performance.now() - since <= this.#target.resolveTimeoutMs;) {
      await patience.wait();
      try {
        // In a transaction, since sessions here may be set to what is refused without one (CF004).
        return await this.#session.use(
          async (session) => await session.transact(async () => await wasDone(session, this.#target, append.id, known)),
        );
      } catch (error) {
        if (!(error instanceof PostgresFailure) || error.code === "CF002") throw error;
      }
    }
    throw stillDoubtful(lost);
  }
}
