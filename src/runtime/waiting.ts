/** Waiting for a person's answer. */

import type { Verdict } from "../event.ts";
import { checkOptionNames, optionNames } from "../options.ts";

/** What one call of `ActionRuntime.execute` is told. */
export interface ExecuteOptions {
  /** What a call that needs approval does; see the runtime's option of this name. Default: the runtime's. */
  readonly onApproval?: "block" | "wait" | undefined;
  /** Milliseconds to wait at most. Default: the runtime's. */
  readonly timeoutMs?: number | undefined;
  /** The tool that would run the call: an approval is then for this tool only. */
  readonly tool?: string | undefined;
  /** Ends the waiting: `execute` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const ASKING = optionNames<Pick<ExecuteOptions, "tool">>({ tool: true });

const OPTIONS = optionNames<ExecuteOptions>({ onApproval: true, timeoutMs: true, tool: true, signal: true });

/** What a call that needs approval does. */
export interface Waiting {
  /** `block`: it is refused at once, and works when it is repeated after approval. `wait`: it waits for the answer. */
  readonly onApproval: "block" | "wait";
  /** Milliseconds to wait at most. Default: as long as the request can be answered. */
  readonly timeoutMs: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `ask`: use an approval, or make a request; `ask again`: the same, silently while nothing is new; `only ask`: use nothing. */
export type Asking = "ask" | "ask again" | "only ask";

/** The longest that a timer can wait, in milliseconds. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Asks until the answer is final, the time is over, or nobody is to wait. `changes` yields when it is worth asking again,
 * and ends when its signal is aborted.
 *
 * @throws what the signal was aborted with.
 */
export async function untilAnswered(
  ask: (how: Asking) => Promise<Verdict | undefined>,
  changes: (over: AbortSignal) => AsyncIterable<void>,
  { onApproval, timeoutMs, signal }: Waiting,
  timeoutSeconds: number,
): Promise<Verdict> {
  signal?.throwIfAborted();
  let verdict = (await ask("ask")) as Verdict;
  if (onApproval === "block" || verdict.reason !== "approval_required") return verdict;
  const over = new AbortController();
  const end = (): void => over.abort();
  const timer = setTimeout(end, Math.min(timeoutMs ?? Infinity, timeoutSeconds * 1000, MAX_TIMER_MS));
  signal?.addEventListener("abort", end);
  try {
    for await (const _ of changes(over.signal)) {
      signal?.throwIfAborted();
      verdict = (await ask("ask again")) ?? verdict;
      if (verdict.reason !== "approval_required") break;
    }
    return verdict;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/**
 * What one call does, where it says nothing as the others do.
 *
 * @throws TypeError naming the option that is wrong.
 */
export function checkWaiting(options: ExecuteOptions, fallback?: Waiting): Waiting {
  checkOptionNames("ActionRuntime", options, OPTIONS);
  const { onApproval, timeoutMs, tool, signal } = options;
  const chosen: unknown = onApproval ?? fallback?.onApproval ?? "block";
  if (chosen !== "block" && chosen !== "wait") {
    throw new TypeError('ActionRuntime: onApproval must be "block" or "wait"');
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new TypeError("ActionRuntime: timeoutMs must be a number of milliseconds");
  }
  checkTool(tool);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError("ActionRuntime: signal must be an AbortSignal");
  }
  return { onApproval: chosen, timeoutMs: timeoutMs ?? fallback?.timeoutMs, signal };
}

/** Refuses what is no option of asking alone. @throws TypeError naming the option that is wrong. */
export function checkAsking(options: Pick<ExecuteOptions, "tool">): void {
  checkOptionNames("ActionRuntime", options, ASKING);
  checkTool(options.tool);
}

function checkTool(tool: unknown): void {
  if (tool !== undefined && typeof tool !== "string") throw new TypeError("ActionRuntime: tool must be a tool's name");
}
