/**
 * Finds out what of approvals is open, by reading a log backwards to the last entry that carries it on, and following
 * what is appended meanwhile.
 */

import { AuditCorruptError } from "../../errors.ts";
import type { Entry, Head, StoredEntry } from "../format/entry.ts";
import { OpenItemsRegister, type EntryFollower } from "./open-items.ts";

/** Takes the entries of a log, latest first, each of which the one after it must name; and those behind them, in order. */
export class OpenItemsRebuild implements EntryFollower {
  readonly #path: string;
  readonly #taken: { readonly hash: string; readonly entry: Entry }[] = [];
  readonly #followed: ((register: OpenItemsRegister) => void)[] = [];
  #expected: Head | undefined;
  #register: OpenItemsRegister | undefined;

  /** `last` is the entry to begin with; any, when it is not given. */
  constructor(path: string, last?: Head) {
    this.#path = path;
    this.#expected = last;
  }

  /**
   * Takes the next entry, going backwards; answers whether that was enough.
   *
   * @throws AuditCorruptError when it is not the one that was recorded there.
   */
  take({ seq, hash, entry }: StoredEntry): boolean {
    if (this.#expected !== undefined && (hash !== this.#expected.hash || seq !== this.#expected.seq)) {
      throw this.#corrupt(this.#expected.seq, "it is not the entry that the next one was recorded after");
    }
    this.#expected = { seq: seq - 1, hash: entry.prev };
    if (entry.kind === "segment") {
      const register = OpenItemsRegister.resume(entry.open);
      if (register === undefined) throw this.#corrupt(seq, "what it carries on of approvals is damaged");
      // It carries on what was open before it; its own time ends what was over by then.
      register.passes(entry.ts);
      this.#register = register;
    } else if (seq === 0) this.#register = new OpenItemsRegister();
    if (this.#register !== undefined) return true;
    this.#taken.push({ hash, entry });
    return false;
  }

  apply(hash: string, entry: Entry): void {
    this.#followed.push((register) => register.apply(hash, entry));
  }

  passes(ts: string): void {
    this.#followed.push((register) => register.passes(ts));
  }

  /** @throws AuditCorruptError when what was taken is not enough. */
  get register(): OpenItemsRegister {
    const register = this.#register;
    if (register === undefined) throw this.#corrupt(this.#expected?.seq ?? 0, "it is missing");
    for (const { hash, entry } of this.#taken.toReversed()) register.apply(hash, entry);
    for (const follow of this.#followed) follow(register);
    return register;
  }

  #corrupt(seq: number, problem: string): AuditCorruptError {
    return new AuditCorruptError(this.#path, `entry ${seq}: ${problem}. Run capfence verify`, { seq });
  }
}
