import { chownSync, existsSync, linkSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";

import { currentOwner, type Owner } from "../../src/audit/file/owner.ts";
import { readEntries } from "../../src/audit/read.ts";
import { Workplace } from "./captured-host.ts";
import { record, WALKTHROUGH } from "./recorded-calls.ts";

let place = new Workplace();
beforeEach(async () => {
  const own = new Workplace();
  onTestFinished(() => own[Symbol.dispose]());
  place = own;
  await record(place.path("audit.db"), WALKTHROUGH);
});

/** Leaves the lock of `audit.db` as a writer with this owner would hold it. */
function lock(owner: Partial<Owner> | string): void {
  const nonce = "0123456789abcdef";
  const text = typeof owner === "string" ? owner : `${JSON.stringify({ ...currentOwner(), nonce, ...owner })}\n`;
  writeFileSync(place.path(`audit.db-owner.${nonce}`), text);
  linkSync(place.path(`audit.db-owner.${nonce}`), place.path("audit.db-lock"));
}

const FOREIGN = { pid: 4711, thread: 0, host: "far-away", boot: "", namespace: "", started: "" };

async function lastEntry(): Promise<unknown> {
  for await (const { entry } of readEntries(place.path("audit.db"), "latest first")) return entry;
  return undefined;
}

describe("unlock", () => {
  it("says when nothing is locked", async () => {
    expect(await place.run(["unlock"])).toEqual({
      code: 0,
      stdout: `${place.path("audit.db")} is not locked.\n`,
      stderr: "",
    });
  });

  it("leaves the lock of a process that has died to the next writer", async () => {
    lock({ pid: 2 ** 22 + 1, started: "1", task: "" });
    expect((await place.run(["unlock"])).code).toBe(0);
    await record(place.path("audit.db"), WALKTHROUGH);
    expect((await place.run(["verify"])).stdout).toMatch(/^✓ Audit chain intact\. 4 entries verified\./);
  });

  it("refuses while the owner is alive", async () => {
    lock({ nonce: "0123456789abcdef", thread: 7 });
    const { code, stdout, stderr } = await place.run(["unlock", "--yes"]);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: `capfence: ${place.path("audit.db")} is locked by process ${process.pid}, thread 7, on ${hostname()}. That process is alive: let it go on, or end it\n`,
    });
    expect(existsSync(place.path("audit.db-lock"))).toBe(true);
  });

  it("names an owner on another host, asks, and does it on a yes", async () => {
    lock(FOREIGN);
    const { code, stdout, stderr } = await place.run(["unlock"], { answer: true });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "The lock is removed, and the log records who removed it.\n",
      stderr:
        `${place.path("audit.db")} is locked by process 4711 on far-away, which cannot be looked at from here.\n` +
        "If it still runs, removing its lock lets two writers into the log at once.\n" +
        "Has it certainly ended? Remove its lock? [y/N] ",
    });
    expect(await lastEntry()).toMatchObject({ kind: "unlock", owner: { pid: 4711, host: "far-away" } });
    expect(readdirSync(place.directory)).not.toContain("audit.db-lock");
    await record(place.path("audit.db"), WALKTHROUGH);
    expect((await place.run(["verify"])).code).toBe(0);
  });

  it.skipIf(process.geteuid?.() !== 0)("records the number of a user who has no name (needs root)", async () => {
    lock(FOREIGN);
    const nameless = 54_321;
    chownSync(place.directory, nameless, nameless);
    for (const name of readdirSync(place.directory)) chownSync(place.path(name), nameless, nameless);
    process.seteuid?.(nameless);
    try {
      expect(await place.run(["unlock", "--yes"])).toMatchObject({ code: 0 });
    } finally {
      process.seteuid?.(0);
    }
    expect(await lastEntry()).toMatchObject({ kind: "unlock", by: String(nameless) });
  });

  it("does nothing on a no", async () => {
    lock(FOREIGN);
    const { code, stdout, stderr } = await place.run(["unlock"], { answer: false });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/capfence: the lock stays\n$/);
    expect(existsSync(place.path("audit.db-lock"))).toBe(true);
    expect(await lastEntry()).toMatchObject({ kind: "decision" });
  });

  it("does nothing without a terminal, exit 2, unless it is told --yes", async () => {
    lock(FOREIGN);
    const { code, stdout, stderr } = await place.run(["unlock"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      /capfence: there is no terminal to ask on\. Say --yes if that process has certainly ended\n$/,
    );
    expect(existsSync(place.path("audit.db-lock"))).toBe(true);
    expect((await place.run(["unlock", "--yes"])).code).toBe(0);
    expect(existsSync(place.path("audit.db-lock"))).toBe(false);
  });

  it("does not let a name deceive who is asked", async () => {
    lock({ ...FOREIGN, host: "a\u{1b}[2J\nHas it ended? \u{202e}" });
    const { stderr } = await place.run(["unlock"], { answer: false });
    expect(stderr).toContain(String.raw`process 4711 on a\u{1b}[2J\u{a}Has it ended? \u{202e}, which`);
    expect(stderr).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it("removes a lock that names nobody", async () => {
    lock("");
    const { code, stderr } = await place.run(["unlock", "--yes"]);
    expect({ code, named: stderr.includes("locked by an unreadable lock file") }).toEqual({ code: 0, named: true });
    expect(await lastEntry()).toMatchObject({ kind: "unlock" });
    expect(await lastEntry()).not.toHaveProperty("owner");
  });

  it("exits 1 for a log that is not there", async () => {
    expect(await place.run(["unlock", "--audit-log", "missing.db", "--yes"])).toEqual({
      code: 1,
      stdout: "",
      stderr: `capfence: Audit log ${place.path("missing.db")}: there is no such file\n`,
    });
  });
});
