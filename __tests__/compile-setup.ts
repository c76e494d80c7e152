/**
 * Compiles what tests start as processes of their own, once for a whole run, when the first test asks for it. Node.js
 * begins on the result in a quarter of the time that it needs to translate the sources in each process.
 */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where to ask for the directory that holds what was compiled. */
    readonly compiler: string;
  }
}

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const COMPILER = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** Compiles into `directory`, laid out as the repository is; types are checked elsewhere. */
async function compile(directory: string): Promise<void> {
  for (const name of ["package.json", "sql"])
    cpSync(join(REPOSITORY, name), join(directory, name), { recursive: true });
  symlinkSync(join(REPOSITORY, "node_modules"), join(directory, "node_modules"), "junction");
  const settings = join(directory, "tsconfig.json");
  const include = ["src", "__tests__/**/*-process.ts"].map((name) => join(REPOSITORY, name));
  const compilerOptions = { noEmit: false, noCheck: true, rootDir: REPOSITORY, outDir: directory };
  writeFileSync(settings, JSON.stringify({ extends: join(REPOSITORY, "tsconfig.json"), compilerOptions, include }));
  await promisify(execFile)(process.execPath, [COMPILER, "-p", settings]);
}

/** Waits for the first question; answers how to remove what came of it. */
export default async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-compiled-"));
  // Some processes run as another user.
  chmodSync(directory, 0o755);
  let compiled: Promise<void> | undefined;
  const server = createServer((_request, response) => {
    compiled ??= compile(directory);
    compiled.then(
      () => response.end(directory),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  project.provide("compiler", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  };
}
