import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";

import { describe, expect, it } from "vitest";

import {
  currentOwner,
  describeOwner,
  formatOwner,
  isSameProcess,
  judgeOwner,
  parseOwner,
  type Owner,
} from "../../src/audit/file/owner.ts";
import { nonceOf } from "./nonce.ts";

const hasProc = existsSync("/proc/self/stat");
const self = currentOwner();
/** machine-id(5), where there is one. */
const machineId = existsSync("/etc/machine-id")
  ? /^[0-9a-f]{32}(?=\n$)/.exec(readFileSync("/etc/machine-id", "utf8"))?.[0]
  : undefined;
/** Linux gives its processes numbers below 2^22. */
const NOBODY = 2 ** 22 + 1;

/** The ticks at which a process or task began, read without the code under test. */
function begun(of: string): string {
  const stat = readFileSync(`/proc/${of}/stat`, "utf8").trim();
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

describe("an owner of a lock", () => {
  it("is this thread", () => {
    const { pid, thread, host, nonce } = currentOwner();
    expect({ pid, thread, host }).toEqual({ pid: process.pid, thread: threadId, host: hostname() });
    expect(nonce).toMatch(/^[0-9a-f]{16}$/);
  });

  it.skipIf(!hasProc)("is told from its namesakes by what /proc says (needs /proc)", () => {
    const owner = currentOwner();
    const [id, ticks] = owner.task.split(":");
    expect(readlinkSync("/proc/thread-self").split("/").at(-1)).toBe(id);
    expect(ticks).toBe(begun(`self/task/${id}`));
    expect(owner.started).toBe(begun("self"));
    expect(owner.boot).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    expect(owner.namespace).toBe(readlinkSync("/proc/self/ns/pid"));
  });

  it.skipIf(machineId === undefined)("is told from those of other machines, and does not say which this is", () => {
    const owner = currentOwner();
    expect(owner.machine).toMatch(/^[0-9a-f]{32}$/);
    expect(owner.machine).toBe(currentOwner().machine);
    expect(formatOwner(owner).toString("utf8")).not.toContain(machineId);
  });

  it("is named to people with its thread, if that is not the main one", () => {
    expect(describeOwner({ ...self, pid: 7, thread: 0, host: "h" })).toBe("process 7 on h");
    expect(describeOwner({ ...self, pid: 7, thread: 3, host: "h" })).toBe("process 7, thread 3, on h");
  });

  it("is of the same process when number, beginning and namespace are", () => {
    expect(isSameProcess(self, { ...self, nonce: nonceOf("other"), thread: 9, task: "" })).toBe(true);
    for (const other of [{ pid: 1 }, { started: "1" }, { namespace: "other" }]) {
      expect(isSameProcess(self, { ...self, ...other })).toBe(false);
    }
  });
});

describe("an owner file", () => {
  it("gives back what was written, and takes an absent task and machine for none", () => {
    const text = formatOwner(self).toString("utf8");
    expect(text.endsWith("}\n")).toBe(true);
    expect(parseOwner(text)).toEqual(self);
    const { task: _, machine: __, ...older } = self;
    expect(parseOwner(JSON.stringify(older))).toEqual({ ...self, task: "", machine: "" });
  });

  it.each(["", "\0\0", "{", "null", "7", '"text"', "[]", "{}"])("that says %j is none", (text) => {
    expect(parseOwner(text)).toBeUndefined();
  });

  it.each<readonly [name: string, value: unknown]>([
    ...["started", "boot", "namespace", "host", "nonce"].flatMap((name) => [
      [name, undefined] as const,
      [name, 7] as const,
    ]),
    ["task", 7],
    ["machine", 7],
    ...[
      "",
      "x/../../victim",
      "0123456789abcdeg",
      "0123456789ABCDEF",
      "0123456789abcde",
      "0123456789abcdef0",
      "0123456789abcdef\n",
    ].map((nonce) => ["nonce", nonce] as const),
    ...["pid", "thread"].flatMap((name) => [undefined, "7", 1.5].map((value) => [name, value] as const)),
  ])("whose %s is %j is none", (name, value) => {
    expect(parseOwner(JSON.stringify({ ...self, [name]: value }))).toBeUndefined();
  });
});

describe("whether an owner lives", () => {
  const parent = process.ppid;
  const M = { machine: "m" };
  const cases: readonly (readonly [string, Partial<Owner>, Partial<Owner>, "dead" | "alive" | "unknown"])[] = [
    ["is certain of this very writer", {}, {}, "alive"],
    ["is certain of an earlier writer of this thread", { nonce: nonceOf("other") }, {}, "dead"],
    ["can't be known on another host", { host: "other", pid: NOBODY }, {}, "unknown"],
    ["can't be known on another host, though that was restarted", { host: "other", boot: "other" }, {}, "unknown"],
    ["is certain before the last restart of this machine", { ...M, boot: "other" }, { ...M, boot: "this" }, "dead"],
    ["can't be known where it does not say its boot", { ...M, boot: "" }, { ...M, boot: "this" }, "unknown"],
    ["can't be known where we don't know ours", { ...M, boot: "other" }, { ...M, boot: "" }, "unknown"],
    [
      "can't be known of another boot on another machine of this name",
      { machine: "n", boot: "other" },
      { ...M, boot: "this" },
      "unknown",
    ],
    [
      "can't be known of another boot where it does not say its machine",
      { machine: "", boot: "other" },
      { ...M, boot: "this" },
      "unknown",
    ],
    [
      "can't be known of another boot where we don't know our machine",
      { ...M, boot: "other" },
      { machine: "", boot: "this" },
      "unknown",
    ],
    [
      "can't be known on another machine without boots",
      { machine: "n", boot: "", pid: NOBODY },
      { ...M, boot: "" },
      "unknown",
    ],
    ["needs no machine within one boot", { machine: "", pid: NOBODY, started: "1", task: "" }, M, "dead"],
    ["can't be known in another namespace", { namespace: "other", pid: NOBODY }, {}, "unknown"],
    ["is taken for granted of another thread here", { thread: 99, task: "", nonce: nonceOf("other") }, {}, "alive"],
    ["is certain of a process that is gone", { pid: NOBODY, started: "1", task: "" }, {}, "dead"],
    [
      "is taken for granted of a process whose beginning is not said",
      { pid: parent, started: "", task: "" },
      {},
      "alive",
    ],
  ];
  it.each(cases)("%s", (_name, owner, here, state) => {
    expect(judgeOwner({ ...self, ...owner }, { ...self, ...here })).toBe(state);
  });

  it.skipIf(!hasProc)("is told by when a process or a task began (needs /proc)", () => {
    const other = { ...self, pid: parent, task: "", nonce: nonceOf("other") };
    expect(judgeOwner({ ...other, started: begun(String(parent)) }, self)).toBe("alive");
    expect(judgeOwner({ ...other, started: "1" }, self)).toBe("dead");
    const thread = { ...self, thread: 99, nonce: nonceOf("other") };
    const [id = ""] = self.task.split(":");
    expect(judgeOwner({ ...thread, task: self.task }, self)).toBe("alive");
    expect(judgeOwner({ ...thread, task: `${id}:1` }, self)).toBe("dead");
    expect(judgeOwner({ ...thread, task: `${NOBODY}:1` }, self)).toBe("dead");
    const started = begun(String(parent));
    const main = `${parent}:${begun(`${parent}/task/${parent}`)}`;
    expect(judgeOwner({ ...other, started, task: main }, self)).toBe("alive");
    expect(judgeOwner({ ...other, started, task: `${NOBODY}:1` }, self)).toBe("dead");
  });
});
