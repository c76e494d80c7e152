/** Judges one call of a tool: gathers what the host knows and where the call comes from, and asks the runtime. */

import type { CallbackManagerForToolRun } from "@langchain/core/callbacks/manager";
import type { ToolRunnableConfig } from "@langchain/core/tools";

import { ActionEvent, type ActionEventFields, type Verdict } from "../event.ts";
import { takeSnapshot, type JsonObject } from "../snapshot.ts";
import type { ToolSettings } from "./options.ts";
import { interruptOf, interruptValue, type Part } from "./pause.ts";

/** A call that has been judged and recorded. */
export interface Judgement {
  readonly event: ActionEvent;
  readonly verdict: Verdict;
  /** What went wrong in the host's own `contextFrom`; absent when nothing did. */
  readonly fault?: Error;
}

/** Where a call comes from, as far as LangChain tells. */
export interface CallOrigin {
  readonly config: ToolRunnableConfig | undefined;
  readonly runManager: CallbackManagerForToolRun | undefined;
  /** The run id the caller asked for; it stands in where nobody listens to callbacks, and so no run is made. */
  readonly runId: string | undefined;
}

/**
 * Judges `payload` as a call of the tool with these settings. A host that cannot say what it knows gets a refusal: a
 * policy that relies on a context must not be asked without it.
 *
 * @throws AuditUnavailableError when the decision cannot be recorded.
 */
export async function judge(
  settings: ToolSettings,
  payload: unknown,
  origin: CallOrigin,
  part?: Part,
): Promise<Judgement> {
  const fields = { ...settings.event, sessionId: settings.event.sessionId ?? threadOf(origin.config), payload };
  const lineage = lineageOf(origin);
  let context: JsonObject;
  try {
    context = await callContext(settings, origin.config);
  } catch (error) {
    const event = makeEvent(fields, lineage);
    const fault = error instanceof Error ? error : new Error(String(error));
    return { event, verdict: await settings.runtime.refuse(event, "context_invalid"), fault };
  }
  const event = makeEvent(fields, lineage, context);
  return { event, verdict: await decide(settings, event, origin.config, part) };
}

/** Whether a call with these arguments would wait for a person, who is asked if so. A host that can't say what it knows: yes. */
export async function foresee(
  settings: ToolSettings,
  args: unknown,
  config: ToolRunnableConfig | undefined,
): Promise<boolean> {
  const isObject = typeof args === "object" && args !== null && !Array.isArray(args);
  const payload = isObject ? args : { input: args };
  const fields = { ...settings.event, sessionId: settings.event.sessionId ?? threadOf(config), payload };
  let context: JsonObject;
  try {
    context = await callContext(settings, config);
  } catch {
    return true;
  }
  return (await settings.runtime.ask(makeEvent(fields, {}, context), { tool: settings.tool })) !== undefined;
}

/**
 * Asks the runtime. In a graph that can pause, a person is asked first, and nothing is used up before it is known that all
 * calls of the step can run.
 */
async function decide(
  { runtime, tool, onApproval, timeoutMs }: ToolSettings,
  event: ActionEvent,
  config: ToolRunnableConfig | undefined,
  part: Part | undefined,
): Promise<Verdict> {
  const interrupt = onApproval === undefined || onApproval === "interrupt" ? interruptOf(config) : undefined;
  const signal = config?.signal;
  if (interrupt === undefined) {
    part?.leave();
    await part?.together();
    const how = onApproval === "interrupt" ? "block" : onApproval;
    return await runtime.execute(event, { tool, timeoutMs, signal, ...(how !== undefined && { onApproval: how }) });
  }
  for (;;) {
    let waiting = await runtime.ask(event, { tool });
    if (waiting === undefined) {
      part?.leave();
      await part?.together();
      const verdict = await runtime.execute(event, { tool, onApproval: "block" });
      // Somebody else has used the approval in between: another process, or the same call made twice in this step. Others
      // of the step may have run by now, and a pause would have them run again.
      if (verdict.reason !== "approval_required" || part?.isShared() === true) return verdict;
      waiting = verdict;
    }
    if (waiting.approvalId === undefined) return waiting;
    try {
      // Throws to pause. What it answers when the run goes on is nobody's authority: the log is asked again.
      interrupt(interruptValue(event, tool, waiting));
    } catch (error) {
      part?.pauses(error);
      throw error;
    }
  }
}

/** What the host says outranks what LangChain says. */
function makeEvent(fields: ActionEventFields, lineage: JsonObject, context: JsonObject = {}): ActionEvent {
  return ActionEvent.create({ ...fields, context: { ...lineage, ...fields.context, ...context } });
}

async function callContext({ contextFrom }: ToolSettings, config: ToolRunnableConfig = {}): Promise<JsonObject> {
  if (contextFrom === undefined) return {};
  const { toolCall: _, ...rest } = config;
  const taken = takeSnapshot((await contextFrom(rest)) ?? {}, "context");
  if (!taken.ok) throw new TypeError(`CapFenceTool: contextFrom must answer plain JSON (${taken.problem})`);
  return taken.json;
}

/** The ids of the tool's run and of the run that called it; a runnable has no tool run, and only the second. */
function lineageOf({ config, runManager, runId = runManager?.runId }: CallOrigin): JsonObject {
  const callbacks = config?.callbacks;
  const caller = callbacks !== undefined && "getParentRunId" in callbacks ? callbacks.getParentRunId() : undefined;
  const parentRunId = runManager === undefined ? caller : runManager.parentRunId;
  return { ...(runId !== undefined && { runId }), ...(parentRunId !== undefined && { parentRunId }) };
}

const MAX_THREAD = 1024;

/**
 * LangGraph's thread id, which names a conversation in logs. A server's clients may choose it, so it decides nothing, but for
 * whoever grants something to a session.
 */
export function threadOf(config: { readonly configurable?: unknown } | undefined): string | undefined {
  const configurable = config?.configurable;
  if (typeof configurable !== "object" || configurable === null) return undefined;
  const thread: unknown = Reflect.get(configurable, "thread_id");
  const text = typeof thread === "number" ? String(thread) : thread;
  if (typeof text !== "string" || text === "" || text.length > MAX_THREAD || !text.isWellFormed()) return undefined;
  return text;
}
