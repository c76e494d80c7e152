/**
 * One PostgreSQL server for a whole run of the tests, started by the first test that asks for it. Tests run in other
 * processes, so they ask over a loopback connection.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { TestProject } from "vitest/node";

import { PostgresServer } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where to ask for the server. */
    readonly postgresOffice: string;
  }
}

/** What the office answers: no `url` where the platform has no binary. */
export interface OfficeAnswer {
  readonly url?: string;
  readonly error?: string;
}

/** Opens the office; answers how to close it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const configured = process.env["CAPFENCE_TEST_POSTGRES_URL"];
  let started: Promise<PostgresServer | undefined> | undefined;
  const answer = async (): Promise<OfficeAnswer> => {
    if (configured !== undefined && configured !== "") return { url: configured };
    started ??= PostgresServer.start({ fsync: false });
    try {
      const server = await started;
      return server === undefined ? {} : { url: server.url };
    } catch (error) {
      return { error: String(error) };
    }
  };
  const office = createServer((_request, response) => {
    void answer().then((told) => response.end(JSON.stringify(told)));
  }).listen(0, "127.0.0.1");
  await once(office, "listening");
  project.provide("postgresOffice", `http://127.0.0.1:${(office.address() as AddressInfo).port}`);
  return async () => {
    office.closeAllConnections();
    office.close();
    const server = await started?.catch(() => undefined);
    await server?.remove();
  };
}
