/** A log kept in a PostgreSQL database. */

import { AuditCorruptError } from "../../errors.ts";
import type { ChainCheck } from "../checks/chain-check.ts";
import { soundEntry, type StoredEntry } from "../format/entry.ts";
import type { AuditStore, Pause, ReadingOrder } from "../store.ts";
import { Bell, growth } from "./changes.ts";
import { auditError } from "./explanation.ts";
import { PostgresFailure } from "./failure.ts";
import { Passing } from "./passing.ts";
import { beginReading, readRows } from "./reader.ts";
import { receiveRows } from "./receive.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import type { PostgresTarget } from "./target.ts";
import type { PostgresWriter } from "./writer.ts";

/** One of a database's logs. */
export class PostgresStore implements AuditStore {
  readonly name: string;
  readonly #target: PostgresTarget;
  readonly #now: () => number;
  readonly #bell: Bell;

  /** `now` is the time in milliseconds since the epoch. */
  constructor(target: PostgresTarget, now: () => number) {
    this.name = target.name;
    this.#target = target;
    this.#now = now;
    this.#bell = new Bell(target);
  }

  key(): string {
    return this.#target.key;
  }

  async openWriter(): Promise<PostgresWriter> {
    // Whoever only reads needs none of it.
    const { PostgresWriter: Writer } = await import("./writer.ts");
    return await Writer.open(this.#target, this.#now);
  }

  async *entries(order: ReadingOrder): AsyncGenerator<StoredEntry> {
    const forward = order === "oldest first";
    const sessions = new Sessions(this.#target);
    try {
      const session = await sessions.acquire();
      let isDone = false;
      try {
        const log = await beginReading(session, this.name, this.#target.log);
        for await (const { seq, hash, body } of readRows(session, log, forward ? "ASC" : "DESC")) {
          const stored = soundEntry(hash, body);
          if (stored === undefined || String(stored.seq) !== seq) {
            const number = Number(seq);
            throw new AuditCorruptError(this.name, `entry ${seq} is damaged. Run capfence verify`, { seq: number });
          }
          yield stored;
        }
        isDone = true;
      } finally {
        session.release(!isDone);
      }
    } catch (error) {
      throw this.#told(error, "reading");
    } finally {
      await sessions.close();
    }
  }

  async *check(check: ChainCheck): AsyncGenerator<void> {
    const sessions = new Sessions(this.#target);
    try {
      const session = await sessions.acquire();
      let isDone = false;
      try {
        yield* checkRows(session, this.#target, check);
        isDone = true;
      } finally {
        session.release(!isDone);
      }
    } catch (error) {
      throw this.#told(error, "reading");
    } finally {
      await sessions.close();
    }
  }

  async receive(entries: AsyncIterable<StoredEntry>): Promise<void> {
    const sessions = new Sessions(this.#target);
    try {
      await sessions.use(async (session) => await receiveRows(session, this.#target, entries));
    } catch (error) {
      throw this.#told(error, "writing");
    } finally {
      await sessions.close();
    }
  }

  async flush(): Promise<void> {
    // What another session can see is committed, and what is committed here is on the disk.
  }

  async *changes(what: "anything" | "approvals", pause: Pause, signal: AbortSignal): AsyncGenerator<void> {
    try {
      yield* what === "approvals" ? this.#bell.rings(pause, signal) : growth(this.#target, pause, signal);
    } catch (error) {
      throw this.#told(error, "reading");
    }
  }

  #told(error: unknown, during: "reading" | "writing"): unknown {
    return error instanceof PostgresFailure ? auditError(this.name, error, during) : error;
  }
}

/** Rows after which others may run. */
const SOME_ROWS = 64;

async function* checkRows(session: Session, target: PostgresTarget, check: ChainCheck): AsyncGenerator<void> {
  const log = await beginReading(session, target.name, target.log);
  check.parts.database();
  const passing = new Passing();
  let identity: string | undefined;
  let rows = 0;
  for await (const row of readRows(session, log, "ASC")) {
    rows += 1;
    if (rows % SOME_ROWS === 0) yield;
    const seq = Number(row.seq);
    const entry = check.stored(seq, row.hash, row.body);
    if (entry === undefined) continue;
    identity ??= entry.log;
    const passed = passing.next(entry);
    for (const [column, agrees] of [
      ["kind", row.kind === entry.kind],
      ["passed", row.passed === passed],
    ] as const) {
      if (!agrees) check.findings.problem(seq, `its column ${column} does not agree with its text`);
    }
  }
  if (identity !== undefined && (identity !== log.identity || passing.latest !== log.latest)) {
    check.findings.problem(undefined, "what the table of logs says of it does not agree with its entries");
  }
}
