/** The real file system, in which one call fails. */

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";

export type Method = keyof AuditFiles;

/** How a call fails: before it does anything, after it has done everything, or, for `append`, half-way. */
export type Manner = "before" | "after" | "half-way";

/** Which call fails. */
export interface Fault {
  readonly method: Method;
  /** The how-manieth call of the method, from 1. */
  readonly call: number;
  readonly code: string;
  readonly manner: Manner;
}

/** A file system that counts its calls, and fails where it is told to. */
export class FaultyFiles {
  /** How often each method was called. */
  readonly counts = new Map<Method, number>();
  /** The faults that have happened. */
  readonly struck: Fault[] = [];
  readonly files: AuditFiles;
  readonly #faults: readonly Fault[];

  constructor(...faults: readonly Fault[]) {
    this.#faults = faults;
    const methods = Object.keys(nodeFiles) as Method[];
    this.files = Object.fromEntries(methods.map((method) => [method, this.#wrap(method)])) as unknown as AuditFiles;
  }

  #wrap(method: Method): (...parameters: never[]) => unknown {
    const real: (...parameters: never[]) => unknown = nodeFiles[method];
    return (...parameters) => {
      const call = (this.counts.get(method) ?? 0) + 1;
      this.counts.set(method, call);
      const fault = this.#faults.find((each) => each.method === method && each.call === call);
      if (fault === undefined) return real(...parameters);
      this.struck.push(fault);
      return fail(fault, real, parameters);
    };
  }
}

function fail(
  { method, code, manner }: Fault,
  real: (...parameters: never[]) => unknown,
  parameters: never[],
): unknown {
  const error = Object.assign(new Error(`${code}: made to fail, ${method}`), { code });
  if (manner === "after") {
    const done = real(...parameters);
    if (done instanceof Promise) {
      return done.then(() => {
        throw error;
      });
    }
  } else if (manner === "half-way") {
    const [fd, data] = parameters as unknown as [number, Uint8Array];
    nodeFiles.append(fd, data.subarray(0, data.length / 2));
  }
  if (method === "syncLater") return Promise.reject(error);
  throw error;
}
