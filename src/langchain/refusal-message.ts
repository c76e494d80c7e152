/** What a refused call answers when it does not throw. */

import { ToolMessage } from "@langchain/core/messages";
import type { ToolRunnableConfig } from "@langchain/core/tools";

import type { Verdict } from "../event.ts";
import { looksLikeToolCall } from "./inner-tool.ts";

/** Text for the agent's model: why, in the words of the rule's author where there are some, and nothing of what was asked. */
export function refusalText({ reason, message, approvalId }: Verdict): string {
  const why = message === undefined ? "" : ` ${message.trim()}${/[.!?…]\s*$/u.test(message) ? "" : "."}`;
  if (reason === "approval_rejected") return `Rejected by a reviewer.${why} The same call will be refused again.`;
  if (reason === "approval_required" && approvalId !== undefined) {
    return `Blocked by policy: ${reason}.${why} It waits for a person as ${approvalId}, and will work once they approve it.`;
  }
  return `Blocked by policy: ${reason}.${why} The same call will be refused again.`;
}

/** The refusal as a tool's answer: an error message to a tool call with an id, else the bare text. */
export function refusalMessage(verdict: Verdict, name: string, id: string | undefined): ToolMessage | string {
  const content = refusalText(verdict);
  if (id === undefined) return content;
  return new ToolMessage({ status: "error", content, name, tool_call_id: id });
}

/** The id core would answer to: the envelope's own, else the one in the config. An empty one is none. */
export function toolCallId(arg: unknown, config: ToolRunnableConfig): string | undefined {
  const own: unknown = looksLikeToolCall(arg) ? arg.id : undefined;
  const id = own === undefined || own === "" ? config.toolCall?.id : own;
  return typeof id === "string" && id !== "" ? id : undefined;
}
