/** What kind of record lies somewhere. */

import { open } from "node:fs/promises";

import type { AuditLocation } from "../audit/location.ts";
import { isPostgresUrl } from "../audit/postgres/url.ts";

/** Bytes that are looked at. */
const LOOKED_AT = 1_024;

/** An audit log, its export, or a trace of the older format; the latter two are files. */
type Source =
  | { readonly kind: "export" | "older trace"; readonly path: string }
  | { readonly kind: "log"; readonly path: "" };

const LOG: Source = { kind: "log", path: "" };

/**
 * What lies at `source`: a file of JSON by its name, or by how it begins; anything else is taken for an audit log, whose
 * reader will say what is wrong with it.
 */
export async function kindOf(source: AuditLocation): Promise<Source> {
  if (typeof source !== "string" || isPostgresUrl(source)) return LOG;
  const beginning = await beginningOf(source);
  if (beginning === undefined) return LOG;
  const isJson = /\.(?:jsonl|ndjson|json)$/i.test(source) || /^\uFEFF?\s*[{"]/.test(beginning);
  if (!isJson) return LOG;
  return { kind: beginning.includes('"capfence_export"') ? "export" : "older trace", path: source };
}

async function beginningOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT), 0, LOOKED_AT, 0);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    // No file, or none that can be read.
    return undefined;
  }
}
