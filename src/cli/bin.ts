#!/usr/bin/env node
/** The `capfence` program: the command line on the real process. */

import { homedir, hostname } from "node:os";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";

import type { Host } from "./host.ts";
import { run } from "./run.ts";

const interruption = new AbortController();

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader such as `head` may leave early; that changes nothing about what the command found.
  if (error.code === "EPIPE") return interruption.abort();
  process.stderr.write(`capfence: cannot write to stdout (${error.code ?? error.message})\n`);
  process.exitCode = 1;
  interruption.abort();
});

// What can't be said on stderr is still in the exit code.
process.stderr.on("error", () => {});

const { stdout, stderr, env } = process;
const host: Host = {
  stdout,
  stderr,
  env,
  cwd: process.cwd(),
  home: homedir,
  hostname,
  now: Date.now,
  pause: async (milliseconds, signal) => {
    await sleep(milliseconds, undefined, { signal }).catch(() => {});
  },
  interruption: () => {
    process.once("SIGINT", () => interruption.abort());
    return interruption.signal;
  },
  readInput: async () => await text(process.stdin),
  // Not by way of process.stdin, which begins to read as soon as it is looked at.
  confirm: isatty(0) ? async (question) => await (await import("./ask.ts")).askOnTerminal(question) : undefined,
};
const code = await run(process.argv.slice(2), host);
process.exitCode ||= code;
