/** What an agent asks to do, and what was answered: plain, frozen, read-only data. */

import { newId } from "./new-id.ts";
import { optionNames } from "./options.ts";
import { takeSnapshot, type JsonObject, type SnapshotResult } from "./snapshot.ts";

/** Policy sections from the strictest to the mildest; also the three decisions there are. */
export type DecisionKind = "deny" | "require_approval" | "allow";

/**
 * Why a decision is what it is. What begins with `approval_` or `grant_` is a person's: not asked yet or not answered, let
 * through once, rejected; let through by a standing grant. The last three are the host's: it could not say what it knows; no
 * such tool; a call went around the gate.
 */
export type Reason =
  | "policy_allow"
  | "policy_deny"
  | "policy_default_deny"
  | "approval_required"
  | "approval_granted"
  | "approval_rejected"
  | "grant_used"
  | "payload_invalid"
  | "context_invalid"
  | "unknown_tool"
  | "bypassed";

/** Names a rule of a policy, precisely enough to find it in its file. */
export interface RuleReference {
  /** The author's name for the rule, else its place: `deny[0]`. */
  readonly id: string;
  readonly section: DecisionKind;
  /** Position in its section, counted from 0. */
  readonly index: number;
  /** Where the rule begins; lines count from 1. */
  readonly source: { readonly file: string; readonly line: number };
}

/** What a policy says about one event. */
export interface Decision {
  readonly decision: DecisionKind;
  readonly reason: Reason;
  /** The rule that decided; absent when none matched. */
  readonly rule?: RuleReference;
  /**
   * What the agent is told: the `reason` that the rule's author has written, or what people or the queue of requests make of
   * it, a reviewer's note for example. Absent when there is nothing to say.
   */
  readonly message?: string;
  /** What the policy's `risk_levels` make of the event's risk, when that decides or is only noted (`warn`). */
  readonly riskLevel?: { readonly level: string; readonly action: "warn" | "require_approval" | "deny" };
}

/** A decision that has been recorded: what `ActionRuntime.execute` answers. */
export interface Verdict extends Decision {
  /** Whether the action may run. */
  readonly authorized: boolean;
  /** Whether the decision is enforced. When not, the runtime observes: `authorized` is true whatever the decision. */
  readonly enforced: boolean;
  /** The request that waits for a person, or was answered by one, or the grant that was used; absent where none is about it. */
  readonly approvalId?: string;
  /** The event that was judged. */
  readonly eventId: string;
  /** The entry of the audit log that holds this decision. */
  readonly entry: { readonly seq: number; readonly hash: string };
}

/** The fields of {@link ActionEvent.create}. */
export interface ActionEventFields {
  /** Who asks: the agent's name, as logs show it. */
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  /** Default: `CAPFENCE_ENVIRONMENT`, else `production`. */
  readonly environment?: string | undefined;
  /** What the model wrote: untrusted. Default: empty. */
  readonly payload?: unknown;
  /** What the host knows: trusted plain JSON. Default: empty. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /** Default: `resource.action`. */
  readonly capability?: string | undefined;
  /** The third segment of a two-segment capability. Default: the environment. */
  readonly scope?: string | undefined;
  /** A risk level's name or a number; policies map it. */
  readonly risk?: string | number | undefined;
  /** The conversation or run this belongs to. */
  readonly sessionId?: string | undefined;
  /** Whether a person is to approve it even where the policy allows it. A deny stays a deny. Default: false. */
  readonly requireApproval?: boolean | undefined;
}

const FIELDS = optionNames<ActionEventFields>({
  actor: true,
  action: true,
  resource: true,
  environment: true,
  payload: true,
  context: true,
  capability: true,
  scope: true,
  risk: true,
  sessionId: true,
  requireApproval: true,
});

const MAX_TEXT = 1024;

/** One action an agent wants to take. Made by {@link ActionEvent.create}; frozen. */
export class ActionEvent {
  /** A UUIDv7 (RFC 9562), so ids sort by the time they were made. */
  readonly id: string;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly environment: string;
  readonly capability: string;
  readonly scope: string | undefined;
  readonly risk: string | number | undefined;
  readonly sessionId: string | undefined;
  readonly requireApproval: boolean | undefined;
  /** The frozen copy of what the model wrote; empty when `payloadProblem` is set. */
  readonly payload: JsonObject;
  /** Why the payload could not be taken; such an event is never authorized. */
  readonly payloadProblem: string | undefined;
  /** The frozen copy of what the host knows. */
  readonly context: JsonObject;
  readonly #thaw: () => Record<string, unknown>;

  private constructor(fields: ActionEventFields) {
    // A subclass could hand out another payload than the one that was judged.
    if (new.target !== ActionEvent) throw new TypeError("ActionEvent: cannot be extended");
    this.id = newId();
    this.actor = text("actor", fields.actor);
    this.action = text("action", fields.action);
    this.resource = text("resource", fields.resource);
    this.environment = text("environment", fields.environment ?? defaultEnvironment());
    this.capability = text("capability", fields.capability ?? `${this.resource}.${this.action}`);
    this.scope = optionalText("scope", fields.scope);
    this.risk = riskLevel(fields.risk);
    this.sessionId = optionalText("sessionId", fields.sessionId);
    this.requireApproval = asked(fields.requireApproval);
    const payload = payloadOf(fields);
    this.payload = payload.ok ? payload.json : NOTHING;
    this.payloadProblem = payload.ok ? undefined : payload.problem;
    this.#thaw = payload.ok ? payload.thaw : () => ({});
    this.context = contextOf(fields.context);
    Object.freeze(this);
  }

  /**
   * Makes a frozen event. Synchronous. A payload that cannot be judged is no error here: the event says so in
   * `payloadProblem` and its verdict is `payload_invalid`. An event may be given too, of another copy of the package
   * say; its payload is copied again.
   *
   * @throws TypeError naming the field, when a field is unknown, or one other than the payload is missing, empty, over 1,024
   *   characters, of another type, or not well-formed Unicode.
   */
  static create(fields: ActionEventFields): ActionEvent {
    if (typeof fields !== "object" || fields === null) throw new TypeError("ActionEvent: fields must be an object");
    // Arguments under another name would not be judged. An event of another copy of the package has these two besides.
    for (const name of Object.keys(fields)) {
      if (!FIELDS.has(name) && name !== "id" && name !== "payloadProblem") {
        throw new TypeError(`ActionEvent: unknown field ${name}`);
      }
    }
    return new ActionEvent(fields);
  }

  /** Whether `value` was made by this copy of the package, so that its payload is a snapshot and not somebody's object. */
  static isInstance(value: unknown): value is ActionEvent {
    return typeof value === "object" && value !== null && #thaw in value;
  }

  /** A new, unfrozen copy of the payload at each call, with Dates where the model's arguments had Dates. */
  payloadCopy(): Record<string, unknown> {
    return this.#thaw();
  }
}

/**
 * The resource and the action that a capability names by itself: its last segment is the action, what stands before it the
 * resource. A single segment is a resource whose action is `execute`, and so is what is not made of segments.
 */
export function namedBy(capability: string): { readonly resource: string; readonly action: string } {
  // What is too long for a capability is refused as such, and not as a resource.
  const named = capability.slice(0, MAX_TEXT);
  const dot = named.lastIndexOf(".");
  if (dot <= 0 || dot === named.length - 1) return { resource: named, action: "execute" };
  return { resource: named.slice(0, dot), action: named.slice(dot + 1) };
}

/** The environment used when none is given: `CAPFENCE_ENVIRONMENT`, else `production`. */
export function defaultEnvironment(): string {
  const configured = process.env["CAPFENCE_ENVIRONMENT"];
  return configured === undefined || configured === "" ? "production" : configured;
}

function text(field: string, value: unknown): string {
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`ActionEvent: ${field} must be a non-empty string`);
  }
  if (value.length > MAX_TEXT) throw new TypeError(`ActionEvent: ${field} is longer than ${MAX_TEXT} characters`);
  if (!value.isWellFormed()) throw new TypeError(`ActionEvent: ${field} is not well-formed Unicode`);
  return value;
}

function optionalText(field: string, value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : text(field, value);
}

function asked(value: unknown): boolean | undefined {
  if (value === undefined || value === null || typeof value === "boolean") return value ?? undefined;
  throw new TypeError("ActionEvent: requireApproval must be true or false");
}

function riskLevel(value: unknown): string | number | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && value !== "") return text("risk", value);
  throw new TypeError("ActionEvent: risk must be a finite number or a non-empty string");
}

function payloadOf(fields: ActionEventFields & { readonly payloadProblem?: unknown }): SnapshotResult {
  // An event of another copy whose payload could not be taken holds an empty one in its place: that was never asked for.
  const { payload, payloadProblem } = fields;
  if (payloadProblem === undefined) return takeSnapshot(payload === undefined ? {} : payload);
  const known = typeof payloadProblem === "string" && payloadProblem !== "" && payloadProblem.length <= MAX_TEXT;
  const problem = known && payloadProblem.isWellFormed() ? payloadProblem : "payload: it could not be taken";
  return { ok: false, problem };
}

const NOTHING: JsonObject = Object.freeze({});

function contextOf(value: unknown): JsonObject {
  if (value === undefined || value === null) return NOTHING;
  const context = takeSnapshot(value, "context");
  if (!context.ok) throw new TypeError(`ActionEvent: context cannot be taken (${context.problem})`);
  return context.json;
}
