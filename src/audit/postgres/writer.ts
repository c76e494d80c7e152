/** The writer of one log in a PostgreSQL database: appends entries in groups, each group in one statement. */

import { randomBytes } from "node:crypto";

import { AuditCorruptError, AuditUnavailableError, CapFenceError } from "../../errors.ts";
import { PreparedEntry, type Head } from "../format/entry.ts";
import { GroupQueue } from "../appending/group-queue.ts";
import type { Proposal, Settled } from "../appending/proposal.ts";
import type { StoreWriter } from "../store.ts";
import { Appender } from "./appender.ts";
import { Decider } from "./decider.ts";
import { auditError } from "./explanation.ts";
import { PostgresFailure } from "./failure.ts";
import { expectSchema } from "./schema.ts";
import { KeptSession, Sessions } from "./sessions.ts";
import { lockWait, type PostgresTarget } from "./target.ts";

/** Entries appended together, at most; bounds how long others wait. */
const GROUP_SIZE = 256;

/** How often what could not be recorded is tried again, in milliseconds. */
const OWED_MS = 1_000;

/** What waits: an entry, a proposal, or neither, when only what is left from before is to be recorded. */
interface Pending {
  readonly entry?: PreparedEntry;
  readonly proposal?: Proposal<unknown>;
  readonly resolve: (settled: Settled<unknown>) => void;
  readonly reject: (error: Error) => void;
}

interface Opened {
  readonly identity: string;
  readonly seq: string | null;
  readonly hash: string | null;
}

/** Appends to one log. */
export class PostgresWriter implements StoreWriter {
  readonly identity: string;
  readonly #name: string;
  readonly #sessions: Sessions;
  readonly #session: KeptSession;
  readonly #appender: Appender;
  readonly #decider: Decider;
  readonly #now: () => number;
  readonly #queue = new GroupQueue<Pending>(GROUP_SIZE, async (group) => await this.#commit(group));
  #failure: CapFenceError | undefined;
  /** What had to be recorded and was not: it comes before anything else. */
  #owed: readonly PreparedEntry[] = [];
  #settling: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(target: PostgresTarget, sessions: Sessions, now: () => number, identity: string, known: Head) {
    this.identity = identity;
    this.#name = target.name;
    this.#sessions = sessions;
    this.#session = new KeptSession(sessions);
    this.#appender = new Appender(target, this.#session, identity, known);
    this.#decider = new Decider(target, this.#session, identity);
    this.#now = now;
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
      const text = "SELECT identity, seq::text, hash FROM capfence.open_log($1, $2, $3, $4)";
      const [opened] = await sessions.use(
        async (session) =>
          await session.transact(async () => {
            await expectSchema(session, target.name);
            return await session.run<Opened>(text, values);
          }),
      );
      const { identity, seq, hash } = opened as Opened;
      if (seq === null || hash === null) throw new AuditCorruptError(target.name, "it has no entries");
      return new PostgresWriter(target, sessions, now, identity, { seq: Number(seq), hash });
    } catch (error) {
      await sessions.close();
      throw error instanceof PostgresFailure ? auditError(target.name, error, "writing") : error;
    }
  }

  get failure(): CapFenceError | undefined {
    return this.#failure;
  }

  async append(entry: PreparedEntry): Promise<Head> {
    const { heads } = await this.#settled({ entry });
    return heads[0] as Head;
  }

  async propose<T>(proposal: Proposal<T>): Promise<Settled<T>> {
    return (await this.#settled({ proposal })) as Settled<T>;
  }

  fail(failure: CapFenceError): void {
    const first = (this.#failure ??= failure);
    clearTimeout(this.#settling);
    for (const { reject } of this.#queue.clear()) reject(first);
  }

  owe(entry: PreparedEntry): boolean {
    if (this.#failure !== undefined) return false;
    if (!this.#appender.doubtful.includes(entry)) this.#owed = [...this.#owed, entry];
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
      if (this.#isBehind) await this.#settled({});
    } finally {
      this.fail(new AuditUnavailableError(this.#name, "it has been closed"));
      this.#session.letGo();
      await this.#sessions.close();
    }
  }

  closeNow(): void {
    this.fail(new AuditUnavailableError(this.#name, "it has been closed"));
  }

  #settled(what: Pick<Pending, "entry" | "proposal">): Promise<Settled<unknown>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.add({ ...what, resolve, reject });
    });
  }

  /** Whether something from before is to be recorded, or found out about. */
  get #isBehind(): boolean {
    return this.#owed.length > 0 || this.#appender.doubtful.length > 0;
  }

  /** Catches up in a while, though nobody appends anything. */
  #settleLater(): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => void this.#settled({}).catch(() => {}), OWED_MS).unref();
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    const ts = new Date(this.#now()).toISOString();
    await this.#attempt(
      group.filter(({ proposal }) => proposal === undefined),
      async (plain) => {
        if (this.#isBehind) await this.#catchUp(ts);
        const places = await this.#appender.append(
          plain.flatMap(({ entry }) => entry ?? []),
          ts,
        );
        let next = 0;
        return plain.map(({ entry }) => ({
          heads: entry === undefined ? [] : [places[next++] as Head],
          answer: undefined,
        }));
      },
    );
    await this.#attempt(
      group.filter(({ proposal }) => proposal !== undefined),
      async (asking) => {
        if (this.#isBehind) await this.#catchUp(ts);
        const proposals = asking.flatMap(({ proposal }) => proposal ?? []);
        const { answers, head } = await this.#decider.decide(proposals, ts, this.#appender.known);
        this.#appender.known = head;
        return answers;
      },
    );
  }

  /** What was left open comes before anything else. */
  async #catchUp(ts: string): Promise<void> {
    const found = await this.#appender.settle();
    this.#owed = this.#owed.filter((entry) => !found.includes(entry));
    const owed = this.#owed;
    await this.#appender.append(owed, ts);
    this.#owed = this.#owed.slice(owed.length);
  }

  /** Does something for those who wait and tells them what came of it. */
  async #attempt(
    waiting: readonly Pending[],
    work: (waiting: readonly Pending[]) => Promise<readonly Settled<unknown>[]>,
  ): Promise<void> {
    if (waiting.length === 0) return;
    try {
      const settled = await work(waiting);
      for (const [index, { resolve }] of waiting.entries()) resolve(settled[index] as Settled<unknown>);
    } catch (error) {
      const failure = this.#told(error);
      for (const { reject } of waiting) reject(failure);
      // What contradicts itself stays so; a server that can't be reached may be back for the next append.
      if (!AuditUnavailableError.isInstance(failure)) this.fail(failure);
      else if (this.#isBehind) this.#settleLater();
    }
  }

  #told(error: unknown): CapFenceError {
    if (CapFenceError.isInstance(error)) return error;
    if (error instanceof PostgresFailure) return auditError(this.#name, error, "writing");
    return new AuditUnavailableError(this.#name, String(error), { cause: error });
  }
}
