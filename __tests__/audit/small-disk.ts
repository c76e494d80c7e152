/** Disks that are soon full. */

import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import type { AuditLog } from "../../src/audit/log.ts";
import type { Head } from "../../src/audit/format/entry.ts";
import { decision, temporaryDirectory } from "./sample-log.ts";

export const KIB = 1_024;

/** Whether this user may mount a disk. */
export const canMount: boolean =
  process.platform === "linux" && process.geteuid?.() === 0 && spawnSync("mount", ["-V"]).status === 0;

/**
 * A file system of so many bytes, in memory, that belongs to `owner`, by default to this user. Skips the test where this
 * user may not mount one.
 */
export function smallDisk(
  size: number,
  skip: (reason: string) => never,
  owner: { readonly uid?: number; readonly gid?: number } = {},
): string {
  const parent = temporaryDirectory();
  chmodSync(parent, 0o755);
  const directory = join(parent, "disk");
  mkdirSync(directory);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "capfence-test", directory]);
  if (mounted.status !== 0) skip(`mount refuses: ${mounted.stderr.toString()}`);
  onTestFinished(() => void spawnSync("umount", [directory]));
  chownSync(directory, owner.uid ?? -1, owner.gid ?? -1);
  return directory;
}

/** Fills a disk up to the last bytes; answers what gives the room back. */
export function fill(disk: string, leaving: number): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const path = join(disk, "filler");
  writeFileSync(path, Buffer.alloc(Math.max(0, bavail * bsize - leaving)));
  return () => rmSync(path);
}

/** Appends until there is no room; answers what was acknowledged, and the refusal. */
export async function appendUntilRefused(
  log: AuditLog,
): Promise<{ readonly heads: readonly Head[]; readonly error: unknown }> {
  const heads: Head[] = [];
  for (;;) {
    try {
      heads.push(await log.append(decision({ payload: { text: "é".repeat(400) } })));
    } catch (error) {
      return { heads, error };
    }
  }
}
