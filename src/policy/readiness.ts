/** Conditions that need something loaded before they can give their final answers. */

import { PolicyLoadError } from "../errors.ts";
import { checkExamples } from "./examples.ts";
import { offsetOf } from "./document/place.ts";
import type { WrittenRule } from "./rule.ts";

/** Whether a rule has such a condition. */
export function isWaiting({ conditions }: WrittenRule): boolean {
  return conditions.some(({ ready }) => ready !== undefined);
}

/**
 * Loads what the rules' conditions need.
 *
 * @throws PolicyLoadError at the first condition whose need cannot be met.
 */
export async function makeReady(rules: readonly WrittenRule[]): Promise<void> {
  for (const { conditions, source, path } of rules) {
    for (const { key, ready } of conditions) {
      try {
        await ready?.();
      } catch (error) {
        const { diagnostics, document } = source;
        const at = [...path, key];
        const message = "needs a parser that cannot be loaded; install the packages that capfence depends on";
        throw new PolicyLoadError([diagnostics.issueAt(offsetOf(document.root, at), at, message)], { cause: error });
      }
    }
  }
}

/**
 * Checks the examples of rules that are ready now.
 *
 * @throws PolicyLoadError with every example that its rule does not treat as it says.
 */
export function checkWaitingExamples(rules: readonly WrittenRule[]): void {
  const issues = rules.flatMap((rule) => {
    const { examples } = rule.fields;
    const { diagnostics, document } = rule.source;
    const found: ReturnType<typeof diagnostics.issueAt>[] = [];
    if (examples !== undefined) {
      checkExamples(rule, examples, (inner, message) => {
        const path = [...rule.path, "examples", ...inner];
        found.push(diagnostics.issueAt(offsetOf(document.root, path), path, message));
      });
    }
    return found;
  });
  if (issues.length > 0) throw new PolicyLoadError(issues);
}
