/** The log as a runtime writes it: everything that is appended counts towards the next checkpoint. */

import type { Checkpointer } from "../audit/checkpoints/checkpointer.ts";
import type { Head, PreparedEntry } from "../audit/format/entry.ts";
import type { AuditLog } from "../audit/log.ts";
import type { Proposal, Settled } from "../audit/appending/proposal.ts";

/** Appends to one log. */
export class Recorder {
  readonly log: AuditLog;
  readonly #checkpointer: Checkpointer | undefined;

  constructor(log: AuditLog, checkpointer?: Checkpointer) {
    this.log = log;
    this.#checkpointer = checkpointer;
  }

  /** Appends an entry. @throws AuditUnavailableError, AuditCorruptError as {@link AuditLog.append}. */
  async append(entry: PreparedEntry): Promise<Head> {
    const head = await this.log.append(entry);
    this.#appended(head);
    return head;
  }

  /**
   * Appends what is decided while nobody else can append; answers the decision, and where the entries lie.
   *
   * @throws AuditUnavailableError, AuditCorruptError as {@link AuditLog.propose}.
   */
  async propose<T>(proposal: Proposal<T>): Promise<Settled<T>> {
    const settled = await this.log.propose(proposal);
    const last = settled.heads.at(-1);
    if (last !== undefined) this.#appended(last);
    return settled;
  }

  #appended(head: Head): void {
    if (this.log.identity !== undefined) this.#checkpointer?.appended(this.log.identity, head);
  }
}
