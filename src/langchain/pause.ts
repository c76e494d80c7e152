/** Pauses a LangGraph run while a call waits for a person, and lets calls of one step run together or not at all. */

import type { ToolRunnableConfig } from "@langchain/core/tools";

import type { ActionEvent, Verdict } from "../event.ts";
import { takeSnapshot } from "../snapshot.ts";

/**
 * What a paused run shows: the value of a LangGraph interrupt. To go on, answer the request in the log and resume with
 * `new Command({ resume: { id } })`: what a run is resumed with decides nothing, the log does.
 */
export interface ApprovalInterrupt {
  readonly type: "capfence.approval";
  /** The request's, which `capfence approve` and `runtime.approvals.approve` take. */
  readonly id: string;
  readonly actor: string;
  readonly capability: string;
  readonly environment: string;
  readonly tool: string;
  /** What would run. A model wrote it: escape it before a person looks at it. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** Throws to pause, or answers what the run was resumed with. LangGraph's `interrupt`, as it hands it to tools. */
type Interrupt = (value: ApprovalInterrupt) => unknown;

/** LangGraph's own interrupt for this call; `undefined` outside a graph, or where none keeps what a paused run needs. */
export function interruptOf(config: ToolRunnableConfig | undefined): Interrupt | undefined {
  const interrupt: unknown = config && Reflect.get(config, "interrupt");
  const hasCheckpointer = (config?.configurable?.["__pregel_checkpointer"] ?? undefined) !== undefined;
  return typeof interrupt === "function" && hasCheckpointer ? (interrupt as Interrupt) : undefined;
}

/** The interrupt's value for a call that waits. */
export function interruptValue(event: ActionEvent, tool: string, { approvalId = "" }: Verdict): ApprovalInterrupt {
  const { actor, capability, environment, payload } = event;
  const args = takeSnapshot(payload);
  return {
    type: "capfence.approval",
    id: approvalId,
    actor,
    capability,
    environment,
    tool,
    args: args.ok ? args.thaw() : {},
  };
}

/**
 * The calls that one node of a graph makes at the same time. When one of them pauses, LangGraph runs the whole node again
 * later: what ran already would run twice. So none runs before all are known to need nobody's answer.
 */
class Step {
  #size = 0;
  #left = 0;
  #pause: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];

  /** A call has come in. Answers what it says when it is known whether it waits, or has ended before; once is enough. */
  enter(): () => void {
    this.#size += 1;
    this.#left += 1;
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      this.#left -= 1;
      if (this.#left === 0) for (const wake of this.#waiting.splice(0)) wake();
    };
  }

  /** Whether a pause now would have other calls run again, that have run already. */
  get isShared(): boolean {
    return this.#size > 1;
  }

  /** One call pauses the run with `error`. */
  pauses(error: unknown): void {
    this.#pause ??= { error };
  }

  /** Resolves when all calls are known not to wait. @throws what pauses the run, if one does. */
  async together(): Promise<void> {
    if (this.#left > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#pause !== undefined) throw this.#pause.error;
  }
}

const STEPS = Symbol.for("capfence.steps.v1");

/** Steps by LangGraph's own notes on one run of a node. On globalThis, so that tools of another copy of this package join. */
function steps(): WeakMap<object, Step> {
  const global = globalThis as { [STEPS]?: WeakMap<object, Step> };
  return (global[STEPS] ??= new WeakMap());
}

/** One call's part in its step. */
export interface Part {
  /** It is known whether this call waits, or it has ended. */
  readonly leave: () => void;
  readonly pauses: (error: unknown) => void;
  readonly together: () => Promise<void>;
  /** Whether other calls are made in the same step. */
  readonly isShared: () => boolean;
}

/** Joins the step that a call belongs to; synchronously, so that calls made together find each other. */
export function joinStep(config: ToolRunnableConfig | undefined): Part | undefined {
  const notes: unknown = config?.configurable?.["__pregel_scratchpad"];
  if (typeof notes !== "object" || notes === null || interruptOf(config) === undefined) return undefined;
  let step = steps().get(notes);
  if (step === undefined) steps().set(notes, (step = new Step()));
  const joined = step;
  return {
    leave: joined.enter(),
    pauses: (error) => joined.pauses(error),
    together: async () => await joined.together(),
    isShared: () => joined.isShared,
  };
}
