/**
 * Traces of the original Python CapFence (`capfence_replay_version` "1.0"): a first line that says so and has a checksum of
 * the events, then an event a line. The checksum has 32 bits: it finds accidents, and nobody's intent.
 */

import { createHash, type Hash } from "node:crypto";

import { TraceInvalidError } from "../errors.ts";
import { ActionEvent, type ActionEventFields, type DecisionKind } from "../event.ts";
import { isRiskLevel, RISK_OF_KIND } from "../policy/risk.ts";
import type { KnownDecision } from "./judged-call.ts";
import { parseObject, readLines, type Line } from "./lines.ts";
import { pythonJson } from "./python-json.ts";

/** The version of the format that is read. */
const VERSION = "1.0";

const HEADER_KEYS: ReadonlySet<string> = new Set(["capfence_replay_version", "checksum", "events"]);

/** What may stand beside an event's own fields as well as in its metadata, and then counts before that. */
const METADATA_KEYS = [
  "capability",
  "scope",
  "session_id",
  "tool_name",
  "caller_depth",
  "require_approval",
  "risk_level",
  "latency_ms",
  "threshold",
  "timestamp",
  "id",
];

const EVENT_KEYS: ReadonlySet<string> = new Set([
  "actor",
  "action",
  "resource",
  "environment",
  "risk",
  "payload",
  "metadata",
  "decision",
  ...METADATA_KEYS,
]);

/** What the decisions are called. */
const DECISIONS: ReadonlyMap<string, DecisionKind> = new Map([
  ["pass", "allow"],
  ["allow", "allow"],
  ["fail", "deny"],
  ["block", "deny"],
  ["deny", "deny"],
  ["hold", "require_approval"],
  ["require_approval", "require_approval"],
]);

/** An event of such a trace. */
interface OlderCall {
  /** `line 3`. */
  readonly name: string;
  readonly event: ActionEvent;
  /** What was decided; `undefined` when it does not say. */
  readonly old: KnownDecision | undefined;
}

/** Some events, and how much of the file has been read, from 0 to 1. */
interface OlderCalls {
  readonly calls: readonly OlderCall[];
  readonly progress: number;
}

/**
 * The events of a trace, some at a time; returns whether the trace has a checksum. None can be relied on before the end.
 *
 * @throws TraceInvalidError at the line that is malformed or of another version, or when the checksum is not that of the
 *   events, or is missing and not waived.
 */
export async function* readOlderTrace(
  path: string,
  waivesChecksum: boolean,
): AsyncGenerator<OlderCalls, boolean, void> {
  const reader = new OlderReader(path, waivesChecksum);
  for await (const { lines, progress } of readLines(path)) {
    yield { calls: lines.flatMap((line) => reader.line(line)), progress };
  }
  return reader.end();
}

class OlderReader {
  readonly #path: string;
  readonly #waivesChecksum: boolean;
  readonly #hash: Hash = createHash("sha256").update("[");
  #lines = 0;
  #checksum: unknown;
  #hasHeader = false;
  #count = 0;

  constructor(path: string, waivesChecksum: boolean) {
    this.#path = path;
    this.#waivesChecksum = waivesChecksum;
  }

  line(line: Line): readonly OlderCall[] {
    this.#lines = line.number;
    if (line.text.trim() === "") return [];
    const read = parseObject(this.#path, line);
    if (!this.#hasHeader) {
      this.#header(read);
      return [];
    }
    this.#hash.update(`${this.#count === 0 ? "" : ", "}${this.#asHashed(line.text)}`);
    this.#count += 1;
    return [this.#call(read)];
  }

  /** An event's line as the checksum was made of it. */
  #asHashed(text: string): string {
    try {
      return pythonJson(text);
    } catch (error) {
      if (error instanceof RangeError) throw this.#problem(`it is ${error.message}`, error);
      throw error;
    }
  }

  #header(read: Readonly<Record<string, unknown>>): void {
    const { capfence_replay_version: version, checksum, events } = read;
    if (version === undefined) throw this.#problem("it is the first line of neither an export nor a trace");
    if (version !== VERSION) {
      throw this.#problem(`the version of the trace is ${JSON.stringify(version)}, and ${VERSION} can be read`);
    }
    const unknown = Object.keys(read).find((key) => !HEADER_KEYS.has(key));
    if (unknown !== undefined) throw this.#problem(`${JSON.stringify(unknown)} is no field of a trace's first line`);
    // To pass over them would look like having looked at them.
    if (events !== undefined && !(Array.isArray(events) && events.length === 0)) {
      throw this.#problem("the events must follow, one a line");
    }
    this.#checksum = checksum ?? undefined;
    this.#hasHeader = true;
  }

  /** After the last line. Answers whether there is a checksum, which then is that of the events. */
  end(): boolean {
    if (!this.#hasHeader) throw this.#problem("it is empty");
    if (this.#waivesChecksum && this.#checksum === undefined) return false;
    const computed = this.#hash.update("]").digest("hex").slice(0, 8);
    if (this.#checksum === computed) return true;
    if (this.#checksum === undefined) throw this.#problem("the trace has no checksum, so nobody knows if it is whole");
    throw this.#problem("the checksum is not that of the events: some were changed, or are missing");
  }

  #call(read: Readonly<Record<string, unknown>>): OlderCall {
    const unknown = Object.keys(read).find((key) => !EVENT_KEYS.has(key));
    if (unknown !== undefined) throw this.#problem(`${JSON.stringify(unknown)} is no field of an event`);
    const { actor, action, resource, environment = "production", payload, metadata, decision, ...beside } = read;
    const { risk, ...others } = beside;
    const known: Readonly<Record<string, unknown>> = { ...this.#metadata(metadata), ...others };
    const { capability, scope, session_id: sessionId, ...context } = known;
    const name = `line ${this.#lines}`;
    try {
      // Whatever they are: an event refuses what it can't be made of.
      const fields: object = { actor, action, resource, environment, payload, capability, scope, context, sessionId };
      const event = ActionEvent.create({ ...(fields as ActionEventFields), risk: this.#risk(risk) });
      return { name, event, old: this.#decision(decision) };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw this.#problem(error.message.replace(/^ActionEvent: /, ""), error);
    }
  }

  #metadata(metadata: unknown): Readonly<Record<string, unknown>> {
    if (metadata === undefined || metadata === null) return {};
    if (typeof metadata !== "object" || Array.isArray(metadata)) throw this.#problem("metadata must be an object");
    return metadata as Readonly<Record<string, unknown>>;
  }

  /** A risk that the format has no word for was written by something else. */
  #risk(risk: unknown): string | number | undefined {
    if (risk === undefined || typeof risk === "number") return risk;
    if (typeof risk === "string" && (isRiskLevel(risk) || RISK_OF_KIND.has(risk))) return risk;
    throw this.#problem(`${JSON.stringify(risk)} is no risk`);
  }

  #decision(decision: unknown): KnownDecision | undefined {
    if (decision === undefined || decision === null || decision === "") return undefined;
    const known = typeof decision === "string" ? DECISIONS.get(decision.toLowerCase()) : undefined;
    if (known === undefined) throw this.#problem(`${JSON.stringify(decision)} is no decision`);
    return { decision: known };
  }

  #problem(what: string, cause?: unknown): TraceInvalidError {
    return new TraceInvalidError(this.#path, Math.max(1, this.#lines), what, cause === undefined ? {} : { cause });
  }
}
