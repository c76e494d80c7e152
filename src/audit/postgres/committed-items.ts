/** What of approvals is open in one log, as far as its committed entries have been read, a page at a time. */

import { AuditCorruptError } from "../../errors.ts";
import { soundEntry, type Head } from "../format/entry.ts";
import { OpenItemsRegister } from "../open-items/open-items.ts";
import type { Session } from "./session.ts";
import type { PostgresTarget } from "./target.ts";

/** Entries of one page, at most, and bytes of their texts after which no more are added: a moment's work for everybody. */
const PAGE_ENTRIES = 256;
const PAGE_BYTES = 262_144;

/** An entry about approvals, and the latest time of those since the one before; without a body, the same of the log's end. */
interface PageRow {
  readonly seq: string;
  readonly hash: string;
  readonly body: string | null;
  readonly passed: string | null;
}

/**
 * Follows one log. Nothing goes in that is not committed, and each page begins at an entry that is still there with its hash,
 * into which all before it went. So what was read stays right whatever becomes of a connection or a transaction.
 */
export class CommittedItems {
  readonly #target: PostgresTarget;
  #register = new OpenItemsRegister();
  /** What is open after this entry is known; none yet. */
  #place: Head = { seq: -1, hash: "" };

  constructor(target: PostgresTarget) {
    this.#target = target;
  }

  /** What is open where reading stands; whoever has it may change it. */
  copy(): OpenItemsRegister {
    return this.#register.copy();
  }

  /** Takes over what a {@link copy} has become by entries up to `head` that are committed. */
  moveTo(register: OpenItemsRegister, head: Head): void {
    this.#register = register;
    this.#place = head;
  }

  /**
   * Reads what comes next, in a transaction that has appended nothing; answers whether that was all there is.
   *
   * @throws PostgresFailure; what was read before is still known.
   * @throws AuditCorruptError when an entry is damaged, or there is none.
   */
  async readPage(session: Session): Promise<boolean> {
    const text = "SELECT seq::text, hash, body, passed FROM capfence.approvals_after($1, $2, $3, $4, $5)";
    const { seq: after, hash: afterHash } = this.#place;
    const values = [this.#target.log, after, afterHash, PAGE_ENTRIES, PAGE_BYTES];
    const rows = await session.run<PageRow>(text, values);
    // There is always the log's last entry.
    if (rows.length === 0) throw new AuditCorruptError(this.#target.name, "its entries have disappeared");
    for (const row of rows) this.#take(row);
    return rows.at(-1)?.body === null;
  }

  /** Reads all there is, a page at a time. Throws as {@link readPage} does. */
  async readAll(session: Session): Promise<void> {
    while (!(await this.readPage(session)));
  }

  #take({ seq, hash, body, passed }: PageRow): void {
    if (passed !== null) this.#register.passes(passed);
    if (body !== null) {
      const stored = soundEntry(hash, body);
      if (stored === undefined || String(stored.seq) !== seq) {
        const problem = `entry ${seq} is damaged. Run capfence verify`;
        throw new AuditCorruptError(this.#target.name, problem, { seq: Number(seq) });
      }
      this.#register.apply(hash, stored.entry);
    }
    this.#place = { seq: Number(seq), hash };
  }
}
