/** What an ActionRuntime can be told, and the refusal of what it can't. */

import type { CheckpointOptions } from "./audit/checkpointer.ts";
import type { RecordingOptions } from "./audit/record.ts";

/** What an {@link ActionRuntime} takes beside its policy. */
export interface ActionRuntimeOptions {
  /** Path of the audit log. Default: `CAPFENCE_AUDIT_LOG`, else `./audit.db`. */
  readonly auditLog?: string | undefined;
  /** What of a payload is recorded. Default: all of it, and its salted digest. */
  readonly audit?: RecordingOptions | undefined;
  /** Signed checkpoints of the log, made while it is written. Default: none. */
  readonly checkpoints?: CheckpointOptions | undefined;
  /**
   * Called when an outcome could not be recorded: the tool has run, so its result is still returned, but the log has
   * closed and nothing runs any more. Also called when a checkpoint could not be made, which stops nothing. Default: a
   * process warning. What it throws is ignored.
   */
  readonly onAuditError?: ((error: Error) => void | Promise<void>) | undefined;
}

const OPTIONS: ReadonlySet<string> = new Set(["auditLog", "audit", "checkpoints", "onAuditError"]);
const RECORDING: ReadonlySet<string> = new Set(["payload", "redact"]);
const CHECKPOINTS: ReadonlySet<string> = new Set(["keyFile", "to", "everyEntries", "everySeconds"]);

/**
 * Refuses options that mean nothing: a misspelt one would silently record a secret or write elsewhere.
 *
 * @throws TypeError naming the option.
 */
export function checkOptions(options: ActionRuntimeOptions): void {
  onlyKnown("", options, OPTIONS);
  onlyKnown("audit.", options.audit, RECORDING);
  onlyKnown("checkpoints.", options.checkpoints, CHECKPOINTS);
  const { auditLog, audit, onAuditError } = options;
  if (auditLog !== undefined && !isFilePath(auditLog)) {
    throw new TypeError("ActionRuntime: auditLog must be the path of a file");
  }
  if (onAuditError !== undefined && typeof onAuditError !== "function") {
    throw new TypeError("ActionRuntime: onAuditError must be a function");
  }
  if (audit?.payload !== undefined && audit.payload !== "redacted" && audit.payload !== "none") {
    throw new TypeError('ActionRuntime: audit.payload must be "redacted" or "none"');
  }
  const paths: unknown = audit?.redact;
  if (
    paths !== undefined &&
    !(Array.isArray(paths) && paths.every((path) => typeof path === "string" && path !== ""))
  ) {
    throw new TypeError("ActionRuntime: audit.redact must be a list of paths");
  }
}

function isFilePath(path: unknown): boolean {
  return typeof path === "string" && path !== "" && path !== ":memory:" && !path.includes("\0");
}

function onlyKnown(prefix: string, options: object | undefined, known: ReadonlySet<string>): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`ActionRuntime: ${prefix === "" ? "options" : prefix.slice(0, -1)} must be an object`);
  }
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw new TypeError(`ActionRuntime: unknown option ${prefix}${key}`);
  }
}
