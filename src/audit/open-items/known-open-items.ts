/** What of approvals is open in a chain, once that has been found out; until then, the attempts to do so. */

import type { Head } from "../format/entry.ts";
import { OpenItemsRebuild } from "./open-items-rebuild.ts";
import type { EntryFollower, OpenItemsRegister } from "./open-items.ts";

/** What one writer of a chain knows of its open items. */
export class KnownOpenItems {
  #register: OpenItemsRegister | undefined;
  readonly #rebuilds = new Set<OpenItemsRebuild>();

  /** What is open; `undefined` while nobody has found that out. */
  get register(): OpenItemsRegister | undefined {
    return this.#register;
  }

  /**
   * Begins to find it out: give the rebuild all entries of the log at `path` up to `head`, the last. It follows what comes
   * after that, until it is finished or dropped.
   */
  begin(path: string, head: Head): OpenItemsRebuild {
    const rebuild = new OpenItemsRebuild(path, head);
    this.#rebuilds.add(rebuild);
    return rebuild;
  }

  /**
   * Ends what {@link begin} began. Nothing is known yet if entries came in between that it could not follow.
   *
   * @throws AuditCorruptError when what it was given is not enough.
   */
  finish(rebuild: OpenItemsRebuild): void {
    if (this.#rebuilds.delete(rebuild)) this.#register ??= rebuild.register;
  }

  /** Gives up what {@link begin} began, if that is not finished. */
  drop(rebuild: OpenItemsRebuild): void {
    this.#rebuilds.delete(rebuild);
  }

  /** Forgets everything, attempts included: entries have been passed over. */
  lose(): void {
    this.#register = undefined;
    this.#rebuilds.clear();
  }

  /** What has to hear of every entry. */
  get followers(): readonly EntryFollower[] {
    return this.#register === undefined ? [...this.#rebuilds] : [this.#register];
  }
}
