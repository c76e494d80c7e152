/** Users of the test database, and what the server says to them. */

import { randomBytes } from "node:crypto";

import { Client, DatabaseError } from "pg";
import { afterAll } from "vitest";

import { sql } from "../stores.ts";

/** A new user of the database who has a role, or none; answers the URL to connect as them. */
export async function userWith(role: string | undefined, url: string | undefined): Promise<string> {
  const name = `capfence_user_${randomBytes(6).toString("hex")}`;
  await sql(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  if (role !== undefined) await sql(`GRANT ${role} TO ${name}`);
  afterAll(async () => void (await sql(`DROP ROLE ${name}`)));
  const made = new URL(url ?? "");
  made.username = name;
  made.password = "secret";
  return made.href;
}

/** What the server says to a statement of this user: its code, or the rows. */
export async function ask(url: string, text: string, values: unknown[] = []): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } catch (error) {
    return error instanceof DatabaseError ? error.code : error;
  } finally {
    await client.end();
  }
}
