/** Where a runtime's policy comes from, and its renewal when the files change. */

import { statSync } from "node:fs";

import { PolicyLoadError } from "../errors.ts";
import { errorCode } from "../file-problem.ts";
import { Policy } from "../policy/policy.ts";

/** Milliseconds between two looks at the files of a watched policy. */
const WATCH_MS = 1_000;

/** The policy in force. */
export class PolicyInForce {
  readonly #path: string | undefined;
  #policy: Policy;
  /** The files that were read last, or could not be read, whatever came of it: while they stay the same, so does that. */
  #files: readonly string[];

  /**
   * @throws PolicyLoadError when `policy` is a path and there is no valid policy.
   * @throws TypeError when it is neither a path nor a policy of this copy of the package.
   */
  constructor(policy: string | Policy) {
    if (typeof policy !== "string" && !Policy.isInstance(policy)) {
      throw new TypeError("ActionRuntime: policy must be a file's path or a Policy of this copy of the package");
    }
    this.#path = typeof policy === "string" ? policy : undefined;
    this.#policy = typeof policy === "string" ? Policy.load(policy) : policy;
    this.#files = this.#policy.files;
  }

  get policy(): Policy {
    return this.#policy;
  }

  /**
   * Reads the files anew; the policy in force stays until {@link adopt}.
   *
   * @throws PolicyLoadError when they hold no valid policy now.
   * @throws TypeError when it came from no file.
   */
  read(): Policy {
    if (this.#path === undefined) throw new TypeError("ActionRuntime: a policy that is no file can't be read anew");
    try {
      const read = Policy.load(this.#path);
      this.#files = read.files;
      return read;
    } catch (error) {
      if (PolicyLoadError.isInstance(error)) this.#files = error.files;
      throw error;
    }
  }

  /** Puts `policy` in force. */
  adopt(policy: Policy): void {
    this.#policy = policy;
  }

  /**
   * Looks once a second at the files that were read last, in a timer that doesn't keep the process alive, and calls `reload`
   * when one has changed; what that throws goes to `report`, each problem once. A problem that is not the files' own, such as
   * a log that can't be written, is over without a change of theirs: then each look tries again. Answers the timer.
   *
   * @throws TypeError when the policy came from no file.
   */
  watch(reload: () => Promise<unknown>, report: (problem: Error) => void): NodeJS.Timeout {
    if (this.#path === undefined) throw new TypeError("ActionRuntime: watch needs a policy that is a file's path");
    // Unknown at first, so that a change between loading and the first look is found.
    let seen: string | undefined;
    let reported: string | undefined;
    let isLooking = false;
    const look = async (): Promise<void> => {
      // Recording may take longer than a second.
      if (isLooking) return;
      isLooking = true;
      const stamp = this.#stamp();
      try {
        if (stamp === seen) return;
        await reload();
        seen = stamp;
        reported = undefined;
      } catch (error) {
        if (PolicyLoadError.isInstance(error)) seen = stamp;
        const problem = error instanceof Error ? error : new Error(String(error));
        if (problem.message !== reported) report(problem);
        reported = problem.message;
      } finally {
        isLooking = false;
      }
    };
    return setInterval(() => void look(), WATCH_MS).unref();
  }

  /** A text that changes when one of the files does. */
  #stamp(): string {
    return this.#files.map(stampOf).join(" ");
  }
}

/** A text that changes when the file does. Whatever keeps it from being looked at is one, too: reading says what is wrong. */
function stampOf(file: string): string {
  try {
    // Rights, and a file that was given its old time again, show in ctimeMs alone.
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
    return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
  } catch (error) {
    return errorCode(error) ?? String(error);
  }
}
