/** CapFenceTool: a LangChain tool that asks the policy before it runs. */

import { parseCallbackConfigArg, type CallbackManagerForToolRun } from "@langchain/core/callbacks/manager";
import type { Serialized } from "@langchain/core/load/serializable";
import {
  StructuredTool,
  type StructuredToolCallInput,
  type ToolParams,
  type ToolRunnableConfig,
} from "@langchain/core/tools";

import { AgentActionBlocked } from "../errors.ts";
import type { ActionEvent, Verdict } from "../event.ts";
import type { Outcome } from "../runtime/outcome.ts";
import { takeSnapshot } from "../snapshot.ts";
import { noteGated } from "./approval-needed.ts";
import { noteAnswer, noteEntry } from "./attempt.ts";
import { isGenerator, watchGenerator } from "./generator.ts";
import { inspectTool, looksLikeToolCall, runInner, type InnerTool, type ToolMembers } from "./inner-tool.ts";
import { judge } from "./judge.ts";
import { joinStep, type Part } from "./pause.ts";
import { likenessesOf, prototypeLike } from "./likeness.ts";
import { TOOL_MARK } from "./marks.ts";
import { checkOptions, type CapFenceToolOptions, type ToolSettings } from "./options.ts";
import { parseForRunnable, traceRefusal } from "./runnable-tool.ts";
import { refusalMessage, toolCallId } from "./refusal-message.ts";

/**
 * A tool behind a policy. Takes the place of the tool it wraps: same name, description, schema, results, callbacks and
 * traces. Every call, whichever way it comes in, is judged and recorded first; a call that is not allowed never reaches
 * the tool.
 *
 * The arguments are judged as the schema parsed them, in one frozen copy; the tool gets another copy of the same, and
 * `config.toolCall.args` is set to it too. A text tool's argument is judged as `{ input: text }`. Name, description,
 * schema and the other fields are read once, when the tool is wrapped.
 *
 * `instanceof` answers for `DynamicTool`, `DynamicStructuredTool` and `Tool` as it does for the tool inside. A runnable made
 * a tool by `asTool()` is a `StructuredTool` here; it has no tool run and answers with its bare output, as it always does,
 * and streams that in one piece.
 *
 * A tool that takes its arguments from elsewhere, from the messages in LangGraph's state for example, uses what nobody
 * has judged. And whoever keeps the original tool can still call it.
 */
export class CapFenceTool extends StructuredTool {
  static readonly #likenesses = likenessesOf(CapFenceTool.prototype);
  readonly name: string;
  readonly description: string;
  readonly schema: StructuredTool["schema"];
  /** There when the tool inside has one, and gated like every entrance. It judges and passes on its argument unparsed. */
  declare readonly func?: (
    input: unknown,
    runManager?: CallbackManagerForToolRun,
    config?: ToolRunnableConfig,
  ) => Promise<unknown>;
  readonly #inner: InnerTool;
  readonly #settings: ToolSettings;
  /** The refusals of this tool, so that a refusal of another tool called from inside this one is not taken for ours. */
  readonly #refusals = new WeakSet<AgentActionBlocked>();
  /** The parts that calls have in their steps, by their configs. */
  readonly #parts = new WeakMap<ToolRunnableConfig, Part>();
  /** The run ids that callers asked for, by their configs: core deletes them before it comes to `_call`. */
  readonly #runIds = new WeakMap<ToolRunnableConfig, string>();

  /**
   * Synchronous.
   *
   * @throws TypeError naming the option that is missing, unknown or wrong, or saying why the tool cannot be wrapped.
   * @throws PolicyLoadError when the policy at `policyPath` is missing or not valid.
   */
  constructor(options: CapFenceToolOptions) {
    if (typeof options !== "object" || options === null) throw new TypeError("CapFenceTool: options must be an object");
    const inner = inspectTool(options.tool);
    super(sharedFields(inner.members));
    this.name = inner.members.name;
    this.description = inner.members.description;
    this.schema = inner.members.schema;
    this.returnDirect = inner.members.returnDirect ?? this.returnDirect;
    this.#inner = inner;
    this.#settings = checkOptions(options, inner.members.name);
    noteGated(this.name, { settings: this.#settings, schema: this.schema });
    if (inner.isDynamic) this.func = async (input, manager, config) => await this.#pass(input, manager, config);
    this.lc_serializable = inner.members.lc_serializable;
    this.lc_kwargs = argumentsLike(this, inner.members.lc_kwargs);
    const likeness = new.target === CapFenceTool ? prototypeLike(inner.members, CapFenceTool.#likenesses) : undefined;
    if (likeness !== undefined) Object.setPrototypeOf(this, likeness);
    Object.defineProperty(this, TOOL_MARK, { value: likeness ?? CapFenceTool.prototype });
  }

  /** A gated tool is one whatever class of core it is like. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== CapFenceTool) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && #inner in value;
  }

  /** Closes the runtime that was made for `policyPath`; a runtime that was given stays open. Calls after it throw. */
  async close(): Promise<void> {
    if (this.#settings.ownsRuntime) await this.#settings.runtime.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The inner tool's, which graphs and traces show. */
  override get lc_id(): string[] {
    return this.#inner.members.lc_id;
  }

  override get lc_namespace(): string[] {
    // Read of any object that may be a tool, one that has this for a prototype too.
    return #inner in this ? this.#inner.members.lc_namespace : super.lc_namespace;
  }

  /** Which of its constructor arguments are secrets, by their names. */
  override get lc_secrets(): Record<string, string> | undefined {
    return this.#inner.members.lc_secrets;
  }

  override get lc_aliases(): Record<string, string> | undefined {
    return this.#inner.members.lc_aliases;
  }

  /** What the inner tool says it is, as data only, so that traces keep its identity and nothing leads to it. */
  override toJSON(): Serialized {
    const serialized = this.#inner.members.toJSON();
    if (serialized.type !== "constructor") return serialized;
    try {
      const data: Serialized = JSON.parse(JSON.stringify(serialized));
      return data;
    } catch {
      return { lc: 1, type: "not_implemented", id: this.lc_id };
    }
  }

  /**
   * Parses, judges and runs; what `invoke` and every other entrance come to.
   *
   * @throws AgentActionBlocked when the call is refused and `onBlocked` is `throw`.
   * @throws AuditUnavailableError, AuditCorruptError, PolicyLoadError as `ActionRuntime.execute`; the tool has not run.
   * @throws whatever the tool throws.
   * @deprecated Use `invoke`, as with every LangChain tool.
   */
  override async call(arg: StructuredToolCallInput, configArg?: ToolRunnableConfig, tags?: string[]): Promise<unknown> {
    noteEntry(this);
    const config: ToolRunnableConfig = parseCallbackConfigArg(configArg);
    const part = joinStep(config);
    if (part !== undefined) this.#parts.set(config, part);
    try {
      const answer: unknown = this.#inner.isRunnable
        ? await this.#callRunnable(arg, config)
        : await this.#callTool(arg, config, tags);
      noteAnswer(this, answer);
      return answer;
    } catch (error) {
      // Here and not in _call, so that the run's trace shows the error.
      if (!this.#isRefusal(error)) throw error;
      // What a reviewer said, or has yet to say, is for the model to read, in a run that can wait for them.
      const { reason } = error.verdict;
      const pauses = this.#settings.onApproval === undefined || this.#settings.onApproval === "interrupt";
      const isWaiting = reason === "approval_required" && pauses && part?.isShared() === true;
      const isReviewed = (reason === "approval_rejected" && part !== undefined) || isWaiting;
      if (this.#settings.onBlocked !== "message" && !isReviewed) throw error;
      const message = refusalMessage(error.verdict, this.name, toolCallId(arg, config));
      noteAnswer(this, message);
      return message;
    } finally {
      part?.leave();
    }
  }

  async #callTool(arg: unknown, config: ToolRunnableConfig, tags: string[] | undefined): Promise<unknown> {
    if (config.runId !== undefined) this.#runIds.set(config, config.runId);
    if (this.#inner.isDynamic) config.runName ??= this.name;
    const isText = typeof arg === "string" || arg === undefined || arg === null;
    const input: unknown = this.#inner.takesText && isText ? { input: arg } : arg;
    // Core's tools for text leave these tags out.
    return await super.call(input, config, this.#inner.takesText ? undefined : tags);
  }

  async #callRunnable(arg: unknown, config: ToolRunnableConfig): Promise<unknown> {
    const args = await parseForRunnable(this, arg, config);
    try {
      return await this.#pass(args, undefined, config);
    } catch (error) {
      if (this.#isRefusal(error)) await traceRefusal(this, args, error, config);
      throw error;
    }
  }

  protected async _call(
    args: unknown,
    runManager?: CallbackManagerForToolRun,
    config?: ToolRunnableConfig,
  ): Promise<unknown> {
    return await this.#pass(args, runManager, config);
  }

  /** The gate itself, which every entrance comes to: judges, runs, and records both. */
  async #pass(
    args: unknown,
    runManager: CallbackManagerForToolRun | undefined,
    config: ToolRunnableConfig | undefined,
  ): Promise<unknown> {
    noteEntry(this);
    throwIfAborted(config?.signal);
    const isObject = typeof args === "object" && args !== null && !Array.isArray(args);
    const payload = this.#payloadFrom(isObject ? args : { input: args });
    const runId = config && (this.#runIds.get(config) ?? config.runId);
    const part = config && this.#parts.get(config);
    const { event, verdict, fault } = await judge(this.#settings, payload, { config, runManager, runId }, part);
    if (fault !== undefined) throw new AgentActionBlocked(verdict, { cause: fault });
    if (!verdict.authorized) {
      const refusal = new AgentActionBlocked(verdict);
      this.#refusals.add(refusal);
      throw refusal;
    }
    if (config?.signal?.aborted === true) {
      await this.#record(event, verdict, { status: "aborted", durationMs: 0 });
      throwIfAborted(config.signal);
    }
    const copy = event.payloadCopy();
    return this.#run(event, verdict, isObject ? copy : copy["input"], runManager, withArguments(config, event));
  }

  async #run(
    event: ActionEvent,
    verdict: Verdict,
    args: unknown,
    runManager: CallbackManagerForToolRun | undefined,
    config: ToolRunnableConfig | undefined,
  ): Promise<unknown> {
    const started = performance.now();
    const ended = async (status: Outcome["status"], output?: unknown): Promise<void> =>
      this.#record(event, verdict, { status, durationMs: performance.now() - started, output });
    let result: unknown;
    try {
      result = await runInner(this.#inner, args, runManager, config);
    } catch (error) {
      await ended("failed");
      throw error;
    }
    if (isGenerator(result)) return watchGenerator(result, ended);
    await ended("finished", result);
    return result;
  }

  async #record(event: ActionEvent, verdict: Verdict, outcome: Outcome): Promise<void> {
    await this.#settings.runtime.recordOutcome(event, verdict, outcome);
  }

  #payloadFrom(args: object): unknown {
    if (!this.#inner.isRunnable) return args;
    const taken = takeSnapshot(args);
    if (!taken.ok) return args;
    // A function is no payload: the call is refused, and recorded as one that cannot be judged.
    return looksLikeToolCall(taken.json) ? looksLikeToolCall : taken.thaw();
  }

  #isRefusal(error: unknown): error is AgentActionBlocked {
    return error instanceof AgentActionBlocked && this.#refusals.has(error);
  }
}

/** The fields that the base class takes. */
function sharedFields(tool: ToolMembers): ToolParams {
  const { responseFormat, verboseParsingErrors, callbacks, tags, metadata, verbose, defaultConfig, extras } = tool;
  return { responseFormat, verboseParsingErrors, callbacks, tags, metadata, verbose, defaultConfig, extras };
}

/** The inner tool's record of its constructor arguments, as far as the wrapper has them too: its own `func`, and no secret. */
function argumentsLike(wrapper: object, inner: ToolMembers["lc_kwargs"] = {}): Record<string, unknown> {
  const shared = Object.keys(inner).filter((name) => Object.hasOwn(wrapper, name));
  return Object.fromEntries(shared.map((name) => [name, Reflect.get(wrapper, name)]));
}

/** The config for the inner tool: keys that the schema stripped would else reach it through `config.toolCall`. */
function withArguments(config: ToolRunnableConfig | undefined, event: ActionEvent): ToolRunnableConfig | undefined {
  if (config?.toolCall === undefined || config.toolCall === null) return config;
  return { ...config, toolCall: { ...config.toolCall, args: event.payloadCopy() } };
}

/** Throws what core throws for an aborted run. */
function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  const reason: unknown = signal.reason;
  if (reason instanceof Error) throw reason;
  throw new Error(typeof reason === "string" ? reason : "Aborted");
}
