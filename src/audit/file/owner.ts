/** Who holds a lock, and whether that process still lives. */

import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";

/** What identifies a writer: enough to tell later, from outside, whether it still runs. */
export interface Owner {
  readonly pid: number;
  readonly thread: number;
  /** The operating system's task of that thread and its start time, `<id>:<clock ticks since boot>`; empty without /proc. */
  readonly task: string;
  /** The process's start time in clock ticks since boot (`/proc/PID/stat`, field 22); empty without /proc. */
  readonly started: string;
  /** The kernel's boot id; empty without /proc. */
  readonly boot: string;
  /** The process's pid namespace; empty without /proc. */
  readonly namespace: string;
  readonly host: string;
  /** Tells machines of one name apart: made of /etc/machine-id; empty without that. */
  readonly machine: string;
  /** Random, one for each writer, so that two writers of one thread differ. 16 hexadecimal digits. */
  readonly nonce: string;
}

/** This thread, as the owner of a new writer. */
export function currentOwner(): Owner {
  return {
    pid: process.pid,
    thread: threadId,
    task: currentTask(),
    started: startTime("self") ?? "",
    boot: readText("/proc/sys/kernel/random/boot_id"),
    namespace: namespaceOf("self"),
    host: hostname(),
    machine: currentMachine(),
    nonce: randomBytes(8).toString("hex"),
  };
}

const NONCE = /^[0-9a-f]{16}$/;

/** The text of an owner file. */
export function formatOwner(owner: Owner): Buffer {
  return Buffer.from(`${JSON.stringify(owner)}\n`, "utf8");
}

/**
 * Reads an owner file back; `undefined` when it is not one, as after a power loss. Anybody who can write to the directory
 * may have made it, and its nonce becomes part of the names of files that are removed: in any other form it is none.
 */
export function parseOwner(text: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const owner: unknown = typeof value === "object" && value !== null ? { task: "", machine: "", ...value } : value;
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Names an owner for people. */
export function describeOwner({ pid, thread, host }: Owner): string {
  return `process ${pid}${thread === 0 ? "" : `, thread ${thread},`} on ${host}`;
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== "object" || value === null) return false;
  const { pid, thread, ...texts } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(pid) &&
    Number.isSafeInteger(thread) &&
    ["task", "started", "boot", "namespace", "host", "machine"].every((name) => typeof texts[name] === "string") &&
    typeof texts["nonce"] === "string" &&
    NONCE.test(texts["nonce"])
  );
}

/** Whether two owners on one host are writers of the same process. */
export function isSameProcess(left: Owner, right: Owner): boolean {
  return left.pid === right.pid && left.started === right.started && left.namespace === right.namespace;
}

/**
 * `dead` only when it is certain. An owner that can't be compared (another host, machine or namespace) is `unknown`, and
 * waited for.
 */
export function judgeOwner(owner: Owner, self: Owner): "dead" | "alive" | "unknown" {
  if (owner.host !== self.host) return "unknown";
  const isKnownMachine = owner.machine !== "" && self.machine !== "";
  if (isKnownMachine && owner.machine !== self.machine) return "unknown";
  if (owner.boot !== self.boot) {
    // Another boot is an earlier one only of the same machine, and a name does not make it that. Without /proc one of them
    // does not know its boot.
    return isKnownMachine && owner.boot !== "" && self.boot !== "" ? "dead" : "unknown";
  }
  if (owner.namespace !== self.namespace) return "unknown";
  if (isSameProcess(owner, self)) {
    // Locks are held only within synchronous code, so one of this very thread that we can look at is a left-over.
    if (owner.thread === self.thread) return owner.nonce === self.nonce ? "alive" : "dead";
    return isTaskGone(owner) ? "dead" : "alive";
  }
  if (!isRunning(owner.pid)) return "dead";
  const started = startTime(String(owner.pid));
  // The number was given to a later process. Without /proc the number alone decides.
  const isAnother = started !== undefined && owner.started !== "" && started !== owner.started;
  return isAnother || isTaskGone(owner) ? "dead" : "alive";
}

/**
 * machine-id(5): 32 hexadecimal digits, unique, and not to be given away as they are. Something else stands there before
 * the first start of a system.
 */
function currentMachine(): string {
  const id = readText("/etc/machine-id");
  return /^[0-9a-f]{32}$/.test(id) ? createHmac("sha256", id).update("capfence/owner").digest("hex").slice(0, 32) : "";
}

/** A worker thread that was terminated in the middle of a write, in a process that goes on. */
function isTaskGone({ pid, task }: Owner): boolean {
  if (task === "") return false;
  const [id, started] = task.split(":");
  const found = startTime(`${pid}/task/${id}`);
  return found === undefined ? readText(`/proc/${pid}/stat`) !== "" : found !== started;
}

/** proc(5): /proc/thread-self leads to `<pid>/task/<tid>` of the thread that looks. */
function currentTask(): string {
  try {
    const id = readlinkSync("/proc/thread-self").split("/").at(-1) ?? "";
    const started = startTime(`self/task/${id}`);
    return started === undefined ? "" : `${id}:${started}`;
  } catch {
    return "";
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** Field 22 of proc(5) stat. The second field, the command in parentheses, may hold spaces and parentheses itself. */
function startTime(process: string): string | undefined {
  const stat = readText(`/proc/${process}/stat`);
  if (stat === "") return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie has died; it only waits for its parent.
  return fields[0] === "Z" ? "" : fields[19];
}

function namespaceOf(process: string): string {
  try {
    return readlinkSync(`/proc/${process}/ns/pid`);
  } catch {
    return "";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
