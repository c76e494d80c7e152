#!/usr/bin/env node
/** The `capfence` program: the command line on the real process. */

import { run } from "./run.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader such as `head` may leave early; that changes nothing about what the command found.
  if (error.code === "EPIPE") return;
  process.stderr.write(`capfence: cannot write to stdout (${error.code ?? error.message})\n`);
  process.exitCode = 1;
});

const { stdout, stderr, env } = process;
const code = await run(process.argv.slice(2), {
  stdout,
  stderr,
  env,
  cwd: process.cwd(),
  now: Date.now,
});
process.exitCode ||= code;
