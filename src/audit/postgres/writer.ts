/** The writer of one log in a PostgreSQL database: appends entries in groups, each group in one statement. */

import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { AuditCorruptError, AuditUnavailableError, type CapFenceError } from "../../errors.ts";
import { fillTemplate, PreparedEntry, type Head } from "../entry.ts";
import { GroupQueue } from "../group-queue.ts";
import type { StoreWriter } from "../store.ts";
import { auditError, isConflict, PostgresFailure } from "./failure.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { Sessions } from "./sessions.ts";
import type { PostgresTarget } from "./target.ts";

/** Entries appended together, at most; bounds how long others wait. */
const GROUP_SIZE = 256;

/** How often a transaction that another one stood in the way of is tried. */
const MAX_CONFLICTS = 5;

/** Pauses between looks for an append whose end is not known, in milliseconds: the first, and the longest. */
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 1_000;

/** How often what could not be recorded is tried again, in milliseconds. */
const OWED_MS = 1_000;

interface Pending {
  /** Absent when only what waits from before is to be recorded. */
  readonly entry?: PreparedEntry;
  readonly resolve: (place: Head) => void;
  readonly reject: (error: Error) => void;
}

/** One append. */
interface Append {
  readonly id: string;
  readonly templates: readonly string[];
  readonly entries: readonly PreparedEntry[];
}

interface Appended {
  readonly first: string;
  readonly previous: string;
  readonly hashes: readonly string[];
}

interface Opened {
  readonly identity: string;
  readonly seq: string | null;
  readonly hash: string | null;
  readonly version: number;
}

/** Appends to one log. */
export class PostgresWriter implements StoreWriter {
  readonly identity: string;
  readonly #target: PostgresTarget;
  readonly #sessions: Sessions;
  readonly #now: () => number;
  readonly #queue = new GroupQueue<Pending>(GROUP_SIZE, async (group) => await this.#commit(group));
  /** An entry that is known to be there. */
  #known: Head;
  #failure: CapFenceError | undefined;
  /** An append that may or may not have been done: it is asked for again before anything else. */
  #doubt: Append | undefined;
  /** What had to be recorded and was not: it comes before anything else. */
  readonly #owed: PreparedEntry[] = [];
  #settling: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(target: PostgresTarget, sessions: Sessions, now: () => number, identity: string, known: Head) {
    this.#target = target;
    this.#sessions = sessions;
    this.#now = now;
    this.identity = identity;
    this.#known = known;
  }

  /**
   * Opens the log, or makes it.
   *
   * @throws AuditUnavailableError when the server can't be reached, lets us not in, or has no schema or another one.
   * @throws AuditCorruptError when the log has no entries.
   */
  static async open(target: PostgresTarget, now: () => number): Promise<PostgresWriter> {
    const sessions = new Sessions(target);
    try {
      const log = randomBytes(16).toString("hex");
      const genesis = new PreparedEntry({ kind: "genesis" }).template(log, new Date(now()).toISOString());
      const values = [target.log, log, genesis, lockWait(target.answerTimeoutMs)];
      const text = "SELECT * FROM capfence.open_log($1, $2, $3, $4)";
      const [opened] = await sessions.use(async (session) => await session.run<Opened>(text, values));
      if (opened?.version !== SCHEMA_VERSION) {
        const problem = `its schema has version ${opened?.version}, and this capfence works with ${SCHEMA_VERSION}`;
        throw new AuditUnavailableError(target.name, `${problem}. Run capfence migrate with the newer capfence`);
      }
      const { identity, seq, hash } = opened;
      if (seq === null || hash === null) throw new AuditCorruptError(target.name, "it has no entries");
      return new PostgresWriter(target, sessions, now, identity, { seq: Number(seq), hash });
    } catch (error) {
      await sessions.close();
      throw error instanceof PostgresFailure ? auditError(target.name, error) : error;
    }
  }

  get failure(): CapFenceError | undefined {
    return this.#failure;
  }

  append(entry: PreparedEntry): Promise<Head> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.add({ entry, resolve, reject });
    });
  }

  /** Not here yet: what can't be decided while nobody else appends is not decided at all. */
  propose(): Promise<never> {
    const problem = "what needs a person's approval can't be decided in a PostgreSQL log yet. Use a file";
    return Promise.reject(new AuditUnavailableError(this.#target.name, problem));
  }

  fail(failure: CapFenceError): void {
    const first = (this.#failure ??= failure);
    clearTimeout(this.#settling);
    for (const { reject } of this.#queue.clear()) reject(first);
  }

  owe(entry: PreparedEntry): boolean {
    if (this.#failure !== undefined) return false;
    if (this.#doubt?.entries.includes(entry) !== true) this.#owed.push(entry);
    this.#settleLater();
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#settling);
    await this.#queue.settled();
    const failure = this.#failure;
    try {
      if (failure !== undefined) throw failure;
      await this.#settle();
    } finally {
      this.fail(new AuditUnavailableError(this.#target.name, "it has been closed"));
      await this.#sessions.close();
    }
  }

  closeNow(): void {
    this.fail(new AuditUnavailableError(this.#target.name, "it has been closed"));
  }

  #settleLater(): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => void this.#settle().catch(() => {}), OWED_MS).unref();
  }

  /** Records what is owed and finds out about what is in doubt, though nobody appends anything. */
  async #settle(): Promise<void> {
    if (this.#owed.length === 0 && this.#doubt === undefined) return;
    await new Promise<void>((resolve, reject) => {
      this.#queue.add({ resolve: () => resolve(), reject });
    });
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    const entries = group.flatMap(({ entry }) => entry ?? []);
    try {
      await this.#resolveDoubt();
      const owed = this.#owed.length;
      const places = await this.#append([...this.#owed, ...entries]);
      this.#owed.splice(0, owed);
      let next = owed;
      for (const { entry, resolve } of group) resolve(entry === undefined ? this.#known : (places[next++] as Head));
    } catch (error) {
      const failure =
        error instanceof PostgresFailure ? auditError(this.#target.name, error) : (error as CapFenceError);
      for (const { reject } of group) reject(failure);
      // What contradicts itself stays so; a server that can't be reached may be back for the next append.
      if (AuditCorruptError.isInstance(failure)) this.fail(failure);
      else if (this.#owed.length > 0 || this.#doubt !== undefined) this.#settleLater();
    }
  }

  /** Appends entries together, all or none; answers their places once they are durable. */
  async #append(entries: readonly PreparedEntry[]): Promise<readonly Head[]> {
    if (entries.length === 0) return [];
    const ts = new Date(this.#now()).toISOString();
    const append: Append = {
      id: randomUUID(),
      templates: entries.map((entry) => entry.template(this.identity, ts)),
      entries,
    };
    return this.#linked(append, await this.#certainly(append));
  }

  /** @throws PostgresFailure when it stays open whether it was done. */
  async #resolveDoubt(): Promise<void> {
    const doubt = this.#doubt;
    if (doubt === undefined) return;
    this.#linked(doubt, await this.#ask(doubt));
    this.#doubt = undefined;
    for (const entry of doubt.entries) {
      const index = this.#owed.indexOf(entry);
      if (index >= 0) this.#owed.splice(index, 1);
    }
  }

  /**
   * Asks for an append until it is certain that it was done, or that it was not. Asking again for the same id does
   * nothing twice, and waits for a first attempt that the server may still be at.
   *
   * @throws PostgresFailure when it was not done, or that can't be found out in time.
   */
  async #certainly(append: Append): Promise<Appended> {
    let doubtfulSince: number | undefined;
    for (let attempt = 1, wait = FIRST_PAUSE_MS; ; attempt += 1) {
      try {
        return await this.#ask(append);
      } catch (error) {
        if (!(error instanceof PostgresFailure) || error.code === "CF002") throw error;
        if (!error.isUndone) doubtfulSince ??= performance.now();
        if (doubtfulSince === undefined) {
          if (!isConflict(error) || attempt >= MAX_CONFLICTS) throw error;
        } else if (performance.now() - doubtfulSince > this.#target.resolveTimeoutMs) {
          this.#doubt = append;
          const problem =
            "the connection was lost, and it could not be found out in time whether the entry was recorded";
          throw new PostgresFailure(`${problem} (${error.message})`, "", false);
        }
        await pause(wait);
        wait = Math.min(2 * wait, MAX_PAUSE_MS);
      }
    }
  }

  async #ask({ id, templates }: Append): Promise<Appended> {
    const { log, answerTimeoutMs } = this.#target;
    const { seq, hash } = this.#known;
    const values = [log, id, templates, seq, hash, lockWait(answerTimeoutMs)];
    const [row] = await this.#sessions.use(async (session) => await session.run<Appended>(APPEND, values, NAME));
    return row as Appended;
  }

  /** The places of what was appended, each link computed again here: what the server says is not taken on trust. */
  #linked({ templates }: Append, { first, previous, hashes }: Appended): readonly Head[] {
    let head: Head = { seq: Number(first) - 1, hash: previous };
    const known = this.#known;
    if (head.seq < known.seq || (head.seq === known.seq && head.hash !== known.hash)) throw this.#corrupt(head.seq);
    const places = templates.map((template, index) => {
      const { seq, hash } = fillTemplate(template, head);
      if (hashes[index] !== hash) throw this.#corrupt(seq);
      // Given to callers, and frozen: what they do with it must not move the chain.
      head = Object.freeze({ seq, hash });
      return head;
    });
    this.#known = head;
    return places;
  }

  #corrupt(seq: number): AuditCorruptError {
    return new AuditCorruptError(this.#target.name, `entry ${seq} was not recorded as it was given`, { seq });
  }
}

const NAME = "capfence_append_1";
const APPEND = "SELECT * FROM capfence.append($1, $2, $3, $4, $5, $6)";

/** How long the server waits for another writer, in milliseconds: it gives up, and says so, before we stop listening. */
function lockWait(answerTimeoutMs: number): number {
  return Math.ceil(answerTimeoutMs / 2);
}
