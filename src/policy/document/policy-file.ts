/** Reads a policy's text from disk. */

import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";

import { PolicyLoadError } from "../../errors.ts";
import { errorCode, fileProblem } from "../../file-problem.ts";
import { Diagnostics } from "./diagnostics.ts";
import { MAX_POLICY_BYTES } from "./document.ts";

/**
 * The text of the file at `path`. Synchronous.
 *
 * @throws PolicyLoadError when it cannot be read, is no ordinary file, is over 2 MiB, or is not UTF-8.
 */
export function readPolicyFile(path: string): string {
  const bytes = readBytes(path);
  const text = bytes.toString("utf8");
  if (isUtf8(bytes)) return text;
  const diagnostics = new Diagnostics(path, text);
  diagnostics.report(invalidOffset(bytes, text), [], "this byte is not UTF-8; save the file as UTF-8");
  throw new PolicyLoadError(diagnostics.issues(), { files: [resolve(path)] });
}

function readBytes(path: string): Buffer {
  let descriptor: number | undefined;
  try {
    // Opening a named pipe would otherwise wait for a writer. Windows does not have the flag.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(descriptor);
    if (status.isDirectory()) return refuse(path, "this is a directory; name the policy file in it");
    if (!status.isFile()) return refuse(path, "this is not an ordinary file");
    return readAll(path, descriptor);
  } catch (error) {
    const code = errorCode(error);
    // The errors thrown above, and whatever is no fault of the file.
    if (code === undefined || code === "ERR_POLICY_INVALID") throw error;
    return refuse(
      path,
      fileProblem(error) + (code === "ENOENT" ? "; a relative path starts at the working directory" : ""),
      error,
    );
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Reads to the end rather than to the size a moment ago: the file may be growing. */
function readAll(path: string, descriptor: number): Buffer {
  const bytes = Buffer.allocUnsafe(MAX_POLICY_BYTES + 1);
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (read === 0) return bytes.subarray(0, length);
    length += read;
  }
  return refuse(path, `this policy is larger than ${MAX_POLICY_BYTES} bytes (2 MiB)`);
}

/** Where decoding first had to put U+FFFD for bytes that are not UTF-8. */
function invalidOffset(bytes: Buffer, text: string): number {
  let at = 0;
  let byte = 0;
  for (;;) {
    const next = text.indexOf("\uFFFD", at);
    if (next === -1) return 0;
    byte += Buffer.byteLength(text.slice(at, next));
    // The character itself may be in the file.
    if (bytes[byte] !== 0xef || bytes[byte + 1] !== 0xbf || bytes[byte + 2] !== 0xbd) return next;
    byte += 3;
    at = next + 1;
  }
}

function refuse(path: string, message: string, cause?: unknown): never {
  const issue = Object.freeze({ source: path, line: 1, column: 1, path: "", message });
  throw new PolicyLoadError([issue], { cause, files: [resolve(path)] });
}
