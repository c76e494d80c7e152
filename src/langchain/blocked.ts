/** Finds a refusal inside what an agent run threw. */

import { AgentActionBlocked } from "../errors.ts";

/** More errors than this are not searched; a real chain has a handful. */
const MAX_ERRORS = 1000;

/**
 * Whether `error` is an {@link AgentActionBlocked}, or carries one as a `cause` or in an `AggregateError`'s `errors`, at
 * any depth. Agents wrap what a tool throws: middleware puts it in `cause`, two refusals in one step arrive together.
 * Recognises errors of another copy of the package. Synchronous; never throws for plain errors, cyclic ones included.
 */
export function isActionBlocked(error: unknown): boolean {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [error];
  while (waiting.length > 0 && seen.size < MAX_ERRORS) {
    const current = waiting.pop();
    if (typeof current !== "object" || current === null || seen.has(current)) continue;
    seen.add(current);
    if (AgentActionBlocked.isInstance(current)) return true;
    const { cause, errors } = current as { cause?: unknown; errors?: unknown };
    if (Array.isArray(errors)) waiting.push(...errors.slice(0, MAX_ERRORS));
    waiting.push(cause);
  }
  return false;
}
