/** What an ActionRuntime can be told, and the refusal of what it can't. */

import type { CheckpointOptions } from "../audit/checkpoints/checkpointer.ts";
import { storeAt, type AuditLocation } from "../audit/location.ts";
import type { RecordingOptions } from "../audit/recording/record.ts";
import { checkOptionNames, optionNames } from "../options.ts";
import { parseVerifierKey, type VerifierKey } from "../note.ts";

/** What an {@link ActionRuntime} takes beside its policy. */
export interface ActionRuntimeOptions {
  /** The audit log: the path of a file, or a place in a PostgreSQL database. Default: `CAPFENCE_AUDIT_LOG`, else `./audit.db`. */
  readonly auditLog?: AuditLocation | undefined;
  /**
   * What of a payload is recorded. Default: all but recognised secrets, long texts cut when it is large; and always a
   * salted digest of the whole.
   */
  readonly audit?: RecordingOptions | undefined;
  /**
   * `enforce` (default): what is not allowed does not run. `observe`: everything runs and what would have happened is
   * recorded, to try a policy out. A payload that can't be judged and a log that can't be written block even so.
   */
  readonly mode?: "enforce" | "observe" | undefined;
  /** Whether the policy is read anew when one of its files changes, looked at once a second. Default: false. */
  readonly watch?: boolean | undefined;
  /**
   * Called when a watched policy could not be put in force: its files hold no valid policy now, or that could not be
   * recorded. The one before stays in force. Called once for each problem. Default: a process warning.
   */
  readonly onPolicyError?: ((error: Error) => void | Promise<void>) | undefined;
  /**
   * What a call that needs approval does. `block` (default): it is refused, and works when it is repeated after approval.
   * `wait`: it waits for the answer.
   */
  readonly onApproval?: "block" | "wait" | undefined;
  /** With `wait`, milliseconds to wait at most. Default: as long as the request can be answered. */
  readonly timeoutMs?: number | undefined;
  /**
   * Verifying keys, as `capfence keys generate` prints them: then only answers and grants that one of them has signed
   * count. Default: none, and whoever can write the log can approve.
   */
  readonly approverKeys?: readonly string[] | undefined;
  /** Signed checkpoints of the log, made while it is written. Default: none. */
  readonly checkpoints?: CheckpointOptions | undefined;
  /**
   * Called when an outcome could not be recorded: the tool has run, so its result is still returned, but the log has
   * closed and nothing runs any more. Also called when a checkpoint could not be made, or what is appended to a log in files
   * could not be moved into its database (once, until that works again); neither stops anything. Default: a process warning.
   * What it throws is ignored.
   */
  readonly onAuditError?: ((error: Error) => void | Promise<void>) | undefined;
}

const OPTIONS = optionNames<ActionRuntimeOptions>({
  auditLog: true,
  audit: true,
  mode: true,
  watch: true,
  onApproval: true,
  timeoutMs: true,
  approverKeys: true,
  checkpoints: true,
  onPolicyError: true,
  onAuditError: true,
});
const RECORDING = optionNames<RecordingOptions>({
  payload: true,
  redact: true,
});
const CHECKPOINTS = optionNames<CheckpointOptions>({
  keyFile: true,
  to: true,
  everyEntries: true,
  everySeconds: true,
});

/**
 * Refuses options that mean nothing: a misspelt one would silently record a secret or write elsewhere.
 *
 * @throws TypeError naming the option.
 */
export function checkOptions(options: ActionRuntimeOptions): void {
  checkOptionNames("ActionRuntime", options, OPTIONS);
  if (options.audit !== undefined) checkOptionNames("ActionRuntime", options.audit, RECORDING, "audit");
  if (options.checkpoints !== undefined) {
    checkOptionNames("ActionRuntime", options.checkpoints, CHECKPOINTS, "checkpoints");
  }
  const { auditLog, audit, mode, watch, onPolicyError, onAuditError } = options;
  if (auditLog !== undefined) checkLocation(auditLog);
  for (const [name, handler] of Object.entries({ onPolicyError, onAuditError })) {
    if (handler !== undefined && typeof handler !== "function") {
      throw new TypeError(`ActionRuntime: ${name} must be a function`);
    }
  }
  if (mode !== undefined && mode !== "enforce" && mode !== "observe") {
    throw new TypeError('ActionRuntime: mode must be "enforce" or "observe"');
  }
  if (watch !== undefined && typeof watch !== "boolean") {
    throw new TypeError("ActionRuntime: watch must be true or false");
  }
  if (audit?.payload !== undefined && audit.payload !== "redacted" && audit.payload !== "none") {
    throw new TypeError('ActionRuntime: audit.payload must be "redacted" or "none"');
  }
  if (audit?.redact !== undefined) checkPaths(audit.redact);
}

function checkPaths(paths: unknown): void {
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string" && path !== "")) {
    throw new TypeError("ActionRuntime: audit.redact must be a list of paths");
  }
  const wrong: unknown = paths.find((path: string) => !isPath(path));
  if (wrong === undefined) return;
  throw new TypeError(
    `ActionRuntime: audit.redact has ${JSON.stringify(wrong)}, but paths are written like "items.0.card", or "*.token" with * for any one member`,
  );
}

/** Whether `path` is no other way of writing paths, which would find nothing and record what was to be left out. */
function isPath(path: string): boolean {
  const names = path.split(".");
  if (names[0] === "$") return false;
  return names.every(
    (name) =>
      name === "*" || (name !== "" && name === name.trim() && !name.includes("*") && !/\[(?:\d*\]|["'])/.test(name)),
  );
}

function checkLocation(location: AuditLocation): void {
  try {
    storeAt(location);
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(`ActionRuntime: ${error.message}`) : error;
  }
}

/**
 * The keys that answers and grants must be signed with; `undefined` when none are named.
 *
 * @throws TypeError when there is none in the list, or one is no verifying key.
 */
export function readApproverKeys(keys: ActionRuntimeOptions["approverKeys"]): readonly VerifierKey[] | undefined {
  if (keys === undefined) return undefined;
  const texts: unknown = keys;
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every((each) => typeof each === "string")) {
    throw new TypeError("ActionRuntime: approverKeys must be a list of verifying keys, with one at least");
  }
  try {
    return texts.map((each) => parseVerifierKey(each));
  } catch (error) {
    // Not what was given: it may be a private key.
    throw new TypeError("ActionRuntime: approverKeys has something that is not a verifying key", { cause: error });
  }
}
