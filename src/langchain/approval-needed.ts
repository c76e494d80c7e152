/**
 * approvalNeeded: lets LangChain's own human-in-the-loop middleware ask about just those calls that the policy wants
 * approved.
 */

import type { ToolRunnableConfig } from "@langchain/core/tools";
import { interopParseAsync, isInteropZodSchema } from "@langchain/core/utils/types";

import type { ActionRuntime } from "../runtime/runtime.ts";
import { foresee } from "./judge.ts";
import type { ToolSettings } from "./options.ts";

/** What a gated tool is judged by before it is called. */
interface Foreseeable {
  readonly settings: ToolSettings;
  /** What its arguments are parsed by. */
  readonly schema: unknown;
}

const gatedTools = new WeakMap<ActionRuntime, Map<string, Foreseeable>>();

/** Notes a tool that is gated by a runtime; of two of one name the later one counts. */
export function noteGated(name: string, tool: Foreseeable): void {
  const { runtime } = tool.settings;
  const known = gatedTools.get(runtime) ?? new Map<string, Foreseeable>();
  gatedTools.set(runtime, known.set(name, tool));
}

/** A call that a model has asked for, as LangChain's middleware tells it. */
interface RequestedCall {
  readonly toolCall: { readonly name: string; readonly args: unknown };
  readonly runtime?: unknown;
}

/**
 * A predicate for `when` of LangChain's `humanInTheLoopMiddleware`: whether a call waits for a person. The request is in
 * the log by then, and `runtime.approvals` knows it; what the reviewer says has to be told there too, with `approve` or
 * `reject`, before the run is resumed: LangChain's own decision lets nothing run that the log does not. Arguments that the
 * reviewer has edited are judged anew when the tool is called.
 *
 * Knows tools that are a `CapFenceTool` of this runtime; about any other it answers true, since it can't know.
 *
 * What it answers rejects with an AuditUnavailableError, an AuditCorruptError or a PolicyLoadError, as `ActionRuntime.ask`.
 */
export function approvalNeeded(runtime: ActionRuntime): (request: RequestedCall) => Promise<boolean> {
  return async ({ toolCall, runtime: caller }) => {
    const known = gatedTools.get(runtime)?.get(toolCall.name);
    if (known === undefined) return true;
    let args: unknown = toolCall.args;
    try {
      if (isInteropZodSchema(known.schema)) args = await interopParseAsync(known.schema, args);
    } catch {
      // The tool refuses them itself, and nobody needs to look at them.
      return false;
    }
    return await foresee(known.settings, args, caller as ToolRunnableConfig | undefined);
  };
}
