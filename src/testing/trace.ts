/** Writes down every callback of a run. */

import { inspect } from "node:util";

import { BaseCallbackHandler } from "@langchain/core/callbacks/base";

import { plainData } from "./plain-data.ts";

/** A callback handler that remembers what it is told: starts, ends, errors, events, and which run belongs to which. */
export class Trace extends BaseCallbackHandler {
  readonly name = "trace";
  override awaitHandlers = true;
  readonly #seen: unknown[] = [];

  /** All callbacks in order, as plain data, the ids of runs numbered. */
  get seen(): unknown {
    return plainData(this.#seen);
  }

  override handleToolStart(...args: unknown[]): void {
    this.#note("tool start", args);
  }
  override handleToolEvent(...args: unknown[]): void {
    this.#note("tool event", args);
  }
  override handleToolEnd(...args: unknown[]): void {
    this.#note("tool end", args);
  }
  override handleToolError(...args: unknown[]): void {
    this.#note("tool error", args);
  }
  override handleChainStart(...args: unknown[]): void {
    this.#note("chain start", args);
  }
  override handleChainEnd(...args: unknown[]): void {
    this.#note("chain end", args);
  }
  override handleChainError(...args: unknown[]): void {
    this.#note("chain error", args);
  }
  override handleCustomEvent(...args: unknown[]): void {
    this.#note("custom event", args);
  }

  #note(kind: string, args: readonly unknown[]): void {
    this.#seen.push([kind, ...args.map(asJson)]);
  }
}

/** As it is now: what callbacks are given may change later. What is no JSON is compared as text. */
function asJson(value: unknown): unknown {
  if (value === undefined || value instanceof Error) return value;
  try {
    return JSON.parse(JSON.stringify(value)) as unknown;
  } catch {
    return inspect(value);
  }
}
