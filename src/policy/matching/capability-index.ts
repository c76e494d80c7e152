/** Finds the rules whose capability covers a request, without looking at the others. */

import type { Answer } from "../answer.ts";

/** A value filed under a pattern that may cover the request: `yes` covers it, `maybe` covers part of it. */
export interface Match<Value> {
  readonly value: Value;
  readonly answer: Exclude<Answer, "no">;
}

interface Branch<Value> {
  readonly children: Map<string, Branch<Value>>;
  readonly values: Value[];
}

/** A trie by capability segment. `*` is a branch of its own, taken by every segment. */
export class CapabilityIndex<Value> {
  readonly #root: Branch<Value> = newBranch();

  /** Files `value` under a well-formed pattern. */
  add(pattern: string, value: Value): void {
    let branch = this.#root;
    for (const segment of pattern.split(".")) {
      let next = branch.children.get(segment);
      if (next === undefined) {
        next = newBranch();
        branch.children.set(segment, next);
      }
      branch = next;
    }
    branch.values.push(value);
  }

  /**
   * Everything filed under patterns that cover `request`, a well-formed capability, in no particular order. A pattern
   * longer than the request whose head matches answers `maybe`: the request stands for everything below it.
   */
  find(request: string): Match<Value>[] {
    const matches: Match<Value>[] = [];
    let reached: Branch<Value>[] = [this.#root];
    for (const segment of request.split(".")) {
      reached = reached.flatMap((branch) =>
        [branch.children.get(segment), branch.children.get("*")].filter((next) => next !== undefined),
      );
      if (reached.length === 0) return matches;
      for (const branch of reached) for (const value of branch.values) matches.push({ value, answer: "yes" });
    }
    const below = reached.flatMap((branch) => [...branch.children.values()]);
    for (let branch = below.pop(); branch !== undefined; branch = below.pop()) {
      for (const value of branch.values) matches.push({ value, answer: "maybe" });
      for (const child of branch.children.values()) below.push(child);
    }
    return matches;
  }
}

function newBranch<Value>(): Branch<Value> {
  return { children: new Map(), values: [] };
}
