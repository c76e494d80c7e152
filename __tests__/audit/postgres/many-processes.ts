/** Processes that append to logs in a PostgreSQL database, and what must have come of it. */

import { expect } from "vitest";

import { readEntries } from "../../../src/audit/read.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { WriterProcess } from "../child.ts";
import type { WriterOrders } from "../writer-process.ts";

/** Runs one writer for each of `locations`, all at the same time; `meanwhile` happens while they write. */
export async function writeTogether(
  locations: readonly string[],
  orders: Omit<WriterOrders, "path">,
  meanwhile: (writers: readonly WriterProcess[]) => Promise<void> = async () => {},
): Promise<void> {
  const writers = locations.map((path) => new WriterProcess({ ...orders, path, begin: "when told" }));
  await Promise.all(writers.map(async (writer) => await writer.says("ready")));
  for (const writer of writers) writer.tell();
  await meanwhile(writers);
  for (const writer of writers) expect(await writer.ended(), writer.errors).toBe(0);
  for (const location of new Set(locations)) {
    const acknowledged = writers.flatMap((writer, index) => (locations[index] === location ? writer.acknowledged : []));
    expect(acknowledged).toHaveLength((orders.appends ?? 0) * locations.filter((each) => each === location).length);
    await expectAllThere(location, acknowledged);
  }
}

/** Expects one sound chain, and in it everything that was acknowledged, each once. */
async function expectAllThere(location: string, acknowledged: WriterProcess["acknowledged"]): Promise<void> {
  expect(await verifyLog(location)).toMatchObject({ intact: true, problems: [] });
  const stored = new Map<number, string>();
  for await (const { seq, hash } of readEntries(location)) {
    stored.set(seq, hash);
  }
  expect(acknowledged.filter(({ seq, hash }) => stored.get(seq) !== hash)).toEqual([]);
  expect(new Set(acknowledged.map(({ seq }) => seq)).size).toBe(acknowledged.length);
}
