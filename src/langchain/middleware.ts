/** capfenceMiddleware: gates every tool of an agent in one place, those that come while it runs included. */

import { ToolMessage } from "@langchain/core/messages";
import { createMiddleware, type AgentMiddleware, type ToolCallRequest } from "langchain";

import { AgentActionBlocked } from "../errors.ts";
import { ActionEvent, namedBy } from "../event.ts";
import type { RefusalReason } from "../runtime/runtime.ts";
import { watchPassage } from "./attempt.ts";
import { capabilityNamed, checkGateOptions, gateTool, type GateOptions } from "./gate-options.ts";
import type { WrappableTool } from "./inner-tool.ts";
import { threadOf } from "./judge.ts";
import { isGated, MIDDLEWARE_MARK } from "./marks.ts";
import { refusalText } from "./refusal-message.ts";

/** What {@link capfenceMiddleware} takes. */
export type CapFenceMiddlewareOptions = GateOptions;

/**
 * Middleware for `createAgent` that puts each tool behind the policy when it is called, whether the agent, another
 * middleware or a step of the run brought it. **It must be the last in the list**: what comes after it could swap the tool
 * or answer in its place. `assertGated(agent)` checks that at start-up; while the agent runs, a call that never arrives at
 * the gated tool, or comes back with an answer that is not the tool's, is recorded as `bypassed` and throws, whatever
 * `onBlocked` says.
 *
 * A call of a tool that nobody brought, or that cannot be gated, is refused and recorded as `unknown_tool`. A tool that is
 * gated already is not gated again; its own options hold.
 *
 * LangChain ends a run in which a tool throws as soon as any middleware stands around tool calls, this one too. Put its
 * `toolErrorMiddleware` before this one for the model to read a tool's errors instead.
 *
 * @throws TypeError naming an option that is missing, unknown or wrong.
 */
export function capfenceMiddleware(options: CapFenceMiddlewareOptions): AgentMiddleware<undefined, undefined, unknown> {
  checkGateOptions("capfenceMiddleware", options);
  const gate = new AgentGate(options);
  const middleware = createMiddleware({
    name: "CapFence",
    wrapToolCall: async (request, handler) => {
      const tool = await gate.toolFor(request);
      if (ToolMessage.isInstance(tool)) return tool;
      const passage = await watchPassage(tool, () => handler({ ...request, tool: tool as typeof request.tool }));
      if ("result" in passage) {
        if (passage.isAnswer) return passage.result;
        throw await gate.refusal(request, "bypassed");
      }
      // A paused run is no end: it is asked again, and judged again, when it goes on.
      if (passage.entered || isGraphSignal(passage.error)) throw passage.error;
      throw await gate.refusal(request, "bypassed", passage.error);
    },
  });
  Object.defineProperty(middleware, MIDDLEWARE_MARK, { value: options.ungated ?? [] });
  return middleware;
}

class AgentGate {
  readonly #options: GateOptions;
  readonly #gated = new WeakMap<object, object>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** The gated tool for a call; a message for the model when there is none and refusals are to be messages. */
  async toolFor(request: Request): Promise<object> {
    if (request.tool === undefined) return await this.#unknown(request);
    try {
      return this.#gate(request.tool);
    } catch (error) {
      return await this.#unknown(request, error);
    }
  }

  /** Records that a call did not come before the policy; the error to throw. */
  async refusal(request: Request, reason: RefusalReason, cause?: unknown): Promise<AgentActionBlocked> {
    const { runtime, agentId, capability, environment, context } = this.#options;
    const { name, args } = request.toolCall;
    const named = capabilityNamed(capability, name) ?? `${printable(name)}.execute`;
    const event = ActionEvent.create({
      actor: agentId,
      ...namedBy(named),
      capability: named,
      environment,
      context: typeof context === "function" ? undefined : context,
      sessionId: this.#options.sessionId ?? threadOf(request.runtime),
      payload: args,
    });
    return new AgentActionBlocked(await runtime.refuse(event, reason), cause === undefined ? {} : { cause });
  }

  async #unknown(request: Request, cause?: unknown): Promise<ToolMessage> {
    const refusal = await this.refusal(request, "unknown_tool", cause);
    if (this.#options.onBlocked !== "message") throw refusal;
    const { id = "", name } = request.toolCall;
    return new ToolMessage({ status: "error", content: refusalText(refusal.verdict), name, tool_call_id: id });
  }

  #gate(tool: object): object {
    if (isGated(tool)) return tool;
    let gated = this.#gated.get(tool);
    if (gated === undefined) {
      gated = gateTool(tool as WrappableTool, this.#options);
      this.#gated.set(tool, gated);
    }
    return gated;
  }
}

type Request = Pick<ToolCallRequest, "toolCall" | "tool" | "runtime">;

/** LangGraph's interrupts and commands to a parent graph, known by their mark: it may be any copy of LangGraph. */
function isGraphSignal(error: unknown): boolean {
  return typeof error === "object" && error !== null && "is_bubble_up" in error && error.is_bubble_up === true;
}

/** A name that a model made up, as one segment of a capability. */
function printable(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]+/g, "_").slice(0, 100) || "unknown";
}
