/** An empty database for a test file, on the one server of the run. */

import { randomBytes } from "node:crypto";

import { Client } from "pg";
import { afterAll, inject } from "vitest";

import type { OfficeAnswer } from "./global-setup.ts";

/**
 * Makes an empty database that is dropped after the file's tests; answers the URL of a user who may do everything in
 * it, or `undefined` where there is no server for this platform. To be awaited at the top of a test file:
 *
 * ```ts
 * const url = await emptyDatabase();
 * describe.skipIf(url === undefined)("…", () => { … });
 * ```
 *
 * @throws Error when there should be a server and it can't be had.
 */
export async function emptyDatabase(): Promise<string | undefined> {
  const response = await fetch(inject("postgresOffice"));
  const { url, error } = (await response.json()) as OfficeAnswer;
  if (error !== undefined) throw new Error(error);
  if (url === undefined) return undefined;
  const name = `capfence_${randomBytes(6).toString("hex")}`;
  await command(url, `CREATE DATABASE ${name}`);
  afterAll(async () => await command(url, `DROP DATABASE ${name} WITH (FORCE)`));
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
}

/** Runs one command on a connection of its own. */
async function command(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
