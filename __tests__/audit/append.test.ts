import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import { describe, expect, it, vi } from "vitest";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { WriterProcess } from "./child.ts";
import { decision, expectOneChain, filesBeside, newLogPath, query, temporaryDirectory } from "./sample-log.ts";

interface Body {
  readonly [name: string]: unknown;
  readonly log: string;
  readonly actor: string;
  readonly payload: { readonly n: number };
  readonly digest: { readonly salt: string; readonly sha256: string };
}

function bodies(path: string): Body[] {
  return expectOneChain(path).map(({ body }) => JSON.parse(body) as Body);
}

describe("holders of one log", () => {
  it.each<[string, (directory: string) => string]>([
    ["the same path", (directory) => join(directory, "audit.db")],
    ["a relative path", (directory) => relative(process.cwd(), join(directory, "audit.db"))],
    ["a path with detours", (directory) => `${directory}/../${directory.split("/").at(-1)}/./audit.db`],
    [
      "a link to the directory",
      (directory) => {
        const link = join(temporaryDirectory(), "link");
        symlinkSync(directory, link);
        return join(link, "audit.db");
      },
    ],
    [
      "a link to the file",
      (directory) => {
        const link = join(temporaryDirectory(), "other.db");
        symlinkSync(join(directory, "audit.db"), link);
        return link;
      },
    ],
  ])("share a writer and a chain by %s", async (_name, other) => {
    const path = newLogPath();
    const first = new AuditLog(path);
    await first.append(decision({ actor: "first" }));
    const second = new AuditLog(other(join(path, "..")));
    for (let n = 0; n < 3; n += 1) {
      await Promise.all([first.append(decision({ actor: "first" })), second.append(decision({ actor: "second" }))]);
    }
    expect(filesBeside(path).filter((name) => name.includes("-owner."))).toHaveLength(1);
    await first.close();
    await second.append(decision({ actor: "second" }));
    expect(filesBeside(path)).toContain("audit.db-tail");
    await second.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    const actors = bodies(path).map(({ actor }) => actor);
    expect(actors).toEqual([undefined, "first", "first", "second", "first", "second", "first", "second", "second"]);
  });

  it("keep their writer when another one closes twice at the same time", async () => {
    const path = newLogPath();
    const one = new AuditLog(path);
    const other = new AuditLog(path);
    await one.append(decision());
    await other.append(decision());
    await Promise.all([one.close(), one.close()]);
    expect(await other.append(decision())).toMatchObject({ seq: 3 });
    await other.close();
  });

  it("can open the log while the last one is still folding it", async () => {
    const path = newLogPath();
    const one = new AuditLog(path);
    await Promise.all(Array.from({ length: 500 }, () => one.append(decision())));
    const closing = one.close();
    await nextTurn();
    const other = new AuditLog(path);
    await other.append(decision());
    await closing;
    await other.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(expectOneChain(path)).toHaveLength(502);
  });

  it("are not disturbed in closing by the idle moment", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const path = newLogPath();
      let whenFolding: (() => void) | undefined;
      const files: AuditFiles = {
        ...nodeFiles,
        create(name, like) {
          if (name.includes("-database.")) whenFolding?.();
          return nodeFiles.create(name, like);
        },
        syncLater: async (fd) => {
          await nextTurn();
          await nodeFiles.syncLater(fd);
        },
      };
      const log = new AuditLog(path, { files, now: Date.now });
      await log.append(decision());
      await nextTurn();
      whenFolding = () => {
        whenFolding = undefined;
        setImmediate(() => vi.advanceTimersByTime(1_000));
      };
      await log.close();
      expect(filesBeside(path)).toEqual(["audit.db"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("open it once when they begin at the same time", async () => {
    const path = newLogPath();
    const logs = Array.from({ length: 20 }, () => new AuditLog(path));
    await Promise.all(logs.map((log) => log.append(decision())));
    expect(filesBeside(path).filter((name) => name.includes("-owner."))).toHaveLength(1);
    await Promise.all(logs.map((log) => log.close()));
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 20 });
  });

  it("name the path as it was when they were made, whatever directory is current later", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "elsewhere"));
    const before = process.cwd();
    try {
      process.chdir(directory);
      const log = new AuditLog("audit.db");
      process.chdir(join(directory, "elsewhere"));
      await log.append(decision());
      await log.close();
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(directory).toSorted()).toEqual(["audit.db", "elsewhere"]);
  });
});

describe("closing", () => {
  it("leaves the database file alone, with everything in it", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    for (let n = 0; n < 5; n += 1) await log.append(decision());
    expect(query(path, "SELECT count(*) FROM entries")).toEqual([[1]]);
    await log.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(query(path, "SELECT count(*) FROM entries")).toEqual([[6]]);
  });

  it("creates nothing when nothing was appended", async () => {
    const path = newLogPath();
    await new AuditLog(path).close();
    expect(filesBeside(path)).toEqual([]);
  });

  it("after a failure says that nothing was folded, and lets go of the log", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision());
    rmSync(path);
    const failure = await log.append(decision()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_AUDIT_CORRUPT", path });
    await expect(log.close()).rejects.toBe(failure);
    expect(filesBeside(path)).toEqual(["audit.db-tail"]);
    await expect(log.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
  });

  it("of a log whose segments could hold one entry only comes to an end", async () => {
    const path = newLogPath();
    const log = new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries: 1 });
    for (let n = 0; n < 5; n += 1) await log.append(decision());
    await log.close();
    expect(filesBeside(path)).not.toContain("audit.db-tail");
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 5 });
  });

  it.each(["return", "exit", "throw"] as const)("happens when a process ends without it (%s)", async (end) => {
    const path = newLogPath();
    const child = new WriterProcess({ path, appends: 5, end });
    expect(await child.ended()).toBe(end === "throw" ? 1 : 0);
    expect(child.acknowledged).toHaveLength(5);
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(expectOneChain(path).slice(1)).toMatchObject(child.acknowledged);
  });
});

describe("the end of the process while the log is closed", () => {
  it("folds what was being folded, and leaves nothing behind", async () => {
    const path = newLogPath();
    const child = new WriterProcess({ path, appends: 2_000, together: 250, end: "exit while closing" });
    expect(await child.ended(), child.errors).toBe(0);
    expect(child.acknowledged).toHaveLength(2_000);
    await expect(child.says("closed")).rejects.toThrow();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(expectOneChain(path).slice(1)).toMatchObject(child.acknowledged);
  });
});

describe("a secret", () => {
  const secret = "correct-horse-battery-staple";
  const payload = { user: "ann", password: secret, auth: { token: secret, kind: "x" }, cards: [{ pin: secret }] };

  it.each([
    {
      name: "redacted",
      recording: { redact: ["password", "auth.token", "cards.0.pin", "absent"] },
      recorded: {
        user: "ann",
        password: "[redacted]",
        auth: { token: "[redacted]", kind: "x" },
        cards: [{ pin: "[redacted]" }],
      },
      redacted: ["password", "auth.token", "cards.0.pin"],
    },
    {
      name: "redacted as a whole",
      recording: { redact: ["password", "auth", "cards"] },
      recorded: { user: "ann", password: "[redacted]", auth: "[redacted]", cards: "[redacted]" },
      redacted: ["password", "auth", "cards"],
    },
    {
      name: "left out with its payload",
      recording: { payload: "none" as const, redact: ["password"] },
      recorded: undefined,
      redacted: undefined,
    },
  ])("that is $name is in no file, whenever one looks", async ({ recording, recorded, redacted }) => {
    const path = newLogPath();
    const log = new AuditLog(path);
    for (let n = 0; n < 3; n += 1) {
      await log.append(decision({ payload }, { recording }));
      expectNowhere(path, secret);
    }
    await log.close();
    expectNowhere(path, secret);
    const [, body] = bodies(path);
    expect(body?.payload).toEqual(recorded);
    expect(body?.["redacted"]).toEqual(redacted);
    const { salt, sha256 } = body?.digest ?? { salt: "", sha256: "" };
    expect(sha256).toBe(createHash("sha256").update(Buffer.from(salt, "hex")).update(canonical(payload)).digest("hex"));
  });
});

function expectNowhere(path: string, secret: string): void {
  for (const name of filesBeside(path)) {
    const bytes = readFileSync(join(path, "..", name));
    expect(bytes.includes(secret), name).toBe(false);
    expect(bytes.includes(Buffer.from(secret, "utf16le")), name).toBe(false);
  }
}

/** RFC 8785, written again from its section 3.2. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value).toSorted(byCodeUnits);
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical((value as Body)[name])}`).join(",")}}`;
}

function byCodeUnits(left: string, right: string): number {
  const place = Array.from({ length: left.length }, (_, at) => at).find(
    (at) => left.charCodeAt(at) !== right.charCodeAt(at),
  );
  return place === undefined || place >= right.length
    ? left.length - right.length
    : left.charCodeAt(place) - right.charCodeAt(place);
}
