/** `capfence keys`: the keys that checkpoints are signed with. */

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { generateKeys } from "../note.ts";
import { fileProblem } from "../file-problem.ts";
import { CommandFailure } from "./command-failure.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { defaultKeyFile, defaultKeyName, keyFolder } from "./key-files.ts";
import { jsonLine, visible } from "./terminal.ts";

/** The options of `capfence keys generate`. */
export interface KeysGenerateOptions {
  readonly name?: string;
  readonly out?: string;
  readonly json?: true;
}

/**
 * Makes a key pair: the private half in a file that only this user can read, the other beside it and on stdout.
 *
 * @throws CommandFailure when a file can't be made, or is there already.
 */
export function keysGenerate(options: KeysGenerateOptions, host: Host): ExitCode {
  const name = options.name ?? defaultKeyName(host);
  const keyFile = options.out === undefined ? defaultKeyFile(name, host) : resolve(host.cwd, options.out);
  const vkeyFile = `${keyFile}.pub`;
  const { signer, verifier } = generateKeys(name);
  // Named by us, so ours to make; a folder that somebody names must be there.
  if (options.out === undefined) makeFolder(keyFolder(host));
  if (existsSync(vkeyFile)) throw new CommandFailure(EXIT.failed, `${vkeyFile}: it exists already`);
  create(keyFile, signer, 0o600);
  try {
    create(vkeyFile, verifier, 0o644);
  } catch (error) {
    unlinkSync(keyFile);
    throw error;
  }
  if (options.json === true) {
    host.stdout.write(jsonLine({ name, vkey: verifier, keyFile, vkeyFile }));
    return EXIT.ok;
  }
  host.stdout.write(`${verifier}\n`);
  host.stderr.write(
    `The private key is in ${visible(keyFile)}, the verifying key above also in ${visible(vkeyFile)}.\n`,
  );
  return EXIT.ok;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandFailure(EXIT.failed, `${path}: ${fileProblem(error)}`, { cause: error });
  }
}

/** Creates a file that must not exist, since a key that is written over is lost. What can't be finished is removed. */
function create(path: string, text: string, mode: number): void {
  let fd: number | undefined;
  try {
    fd = openSync(path, "wx", mode);
    writeFileSync(fd, `${text}\n`);
    fsyncSync(fd);
  } catch (error) {
    if (fd !== undefined) unlinkSync(path);
    throw new CommandFailure(EXIT.failed, `${path}: ${fileProblem(error)}`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
