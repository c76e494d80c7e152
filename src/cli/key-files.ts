/** Where keys lie, and how they are read. */

import { isAbsolute, join, resolve } from "node:path";

import { parseSignerKey, parseVerifierKey, type SignerKey, type VerifierKey } from "../note.ts";
import { fileProblem } from "../file-problem.ts";
import { readNoteFile } from "../note-file.ts";
import { CommandFailure } from "./command-failure.ts";
import { EXIT, type Host } from "./host.ts";

/** The name that a key gets when nobody names it: the host's, without what a key's name must not have. */
export function defaultKeyName(host: Host): string {
  return host.hostname().replaceAll(/[^\p{L}\p{N}._-]+/gu, "-") || "capfence";
}

/** The folder for keys: never that of a log, since whoever can write both can make the log anew. */
export function keyFolder({ env, home }: Host): string {
  const configured = env["XDG_CONFIG_HOME"];
  // XDG Base Directory Specification: a relative path is to be ignored.
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(home(), ".config");
  return join(base, "capfence");
}

/** Where the key called `name` lies when nobody says otherwise. A key's name may have characters that a file's may not. */
export function defaultKeyFile(name: string, host: Host): string {
  return join(keyFolder(host), `${name.replaceAll(/[^A-Za-z0-9._-]/g, "-")}.key`);
}

/** The signing key in `file`, by default the one of this host. @throws CommandFailure when there is none. */
export function readSigner(file: string | undefined, host: Host): SignerKey {
  const path = file === undefined ? defaultKeyFile(defaultKeyName(host), host) : resolve(host.cwd, file);
  refuseSecret(file, "--key <file>");
  const advice = file === undefined ? ". Make one with capfence keys generate, or name another with --key" : "";
  const text = readKeyFile("signing key", path, advice);
  return parseKey(() => parseSignerKey(text), path);
}

/** The verifying key that `value` is, or that the file it names holds. @throws CommandFailure when it is neither. */
export function readVerifier(value: string, host: Host): VerifierKey {
  refuseSecret(value, "--vkey <key>");
  try {
    return parseVerifierKey(value);
  } catch {
    const path = resolve(host.cwd, value);
    const text = readKeyFile("verifying key", path, ", and it is not a key itself");
    return parseKey(() => parseVerifierKey(text), path);
  }
}

/** A message that repeats what was given would show a private key to everyone who reads it, whatever stands before it. */
function refuseSecret(value: string | undefined, option: string): void {
  if (value?.includes("PRIVATE+KEY+") !== true) return;
  throw new CommandFailure(EXIT.usage, `option '${option}' was given a private key itself, which is secret no longer`);
}

function readKeyFile(what: string, path: string, advice: string): string {
  try {
    return readNoteFile(path);
  } catch (error) {
    throw new CommandFailure(EXIT.failed, `${what} ${path}: ${fileProblem(error)}${advice}`, { cause: error });
  }
}

function parseKey<T>(parse: () => T, path: string): T {
  try {
    return parse();
  } catch (error) {
    throw new CommandFailure(EXIT.failed, `${path}: ${fileProblem(error)}`, { cause: error });
  }
}
