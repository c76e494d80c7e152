import { describe, expect, it, onTestFinished, vi } from "vitest";

import { caughtUp } from "../../src/audit/file/caught-up.ts";
import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { fold } from "../../src/audit/file/fold.ts";
import { knowingOpenItems } from "../../src/audit/file/find-open-items.ts";
import type { FoldContext } from "../../src/audit/file/fold-context.ts";
import { doLater, doNow } from "../../src/audit/file/steps.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import type { PreparedEntry } from "../../src/audit/format/entry.ts";
import { OpenItemsRebuild } from "../../src/audit/open-items/open-items-rebuild.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { appendTo, contextOf } from "./fold-context.ts";
import { prepared, request, T1 } from "./recorded-approvals.ts";
import { watchedLock } from "./read-under-lock.ts";
import { decision, expectOneChain, newLogPath } from "./sample-log.ts";

const T0_MS = Date.parse("2026-01-15T10:00:00.000Z");
const PAST_T1_MS = Date.parse(T1) + 1;

function asked(id: string): PreparedEntry {
  return prepared(request(0, id));
}

/** The other process. */
async function openOther(path: string, clock: { ms: number }, segmentEntries?: number): Promise<LogWriter> {
  const bounded = segmentEntries === undefined ? {} : { segmentEntries };
  return await LogWriter.open(path, { files: nodeFiles, now: () => clock.ms, ...bounded });
}

/** Finds out what is open; after so many slices, `meanwhile` happens. Answers what is open then. */
async function find(context: FoldContext, slices: number, meanwhile: () => Promise<void>): Promise<string[]> {
  const { openItems } = context.chain;
  const steps = knowingOpenItems(context, () => [...(openItems.register?.requests.keys() ?? [])]);
  for (let taken = 0; ; taken += 1) {
    const step = steps.next();
    if (step.done === true) return step.value ?? [];
    await step.value.later();
    if (taken === slices) await meanwhile();
  }
}

/** A log with an open request and many decisions behind it, most of them folded. */
async function longLog(): Promise<{
  readonly path: string;
  readonly clock: { ms: number };
  readonly other: LogWriter;
}> {
  const [path, clock] = [newLogPath(), { ms: T0_MS }];
  const first = await openOther(path, clock);
  await first.append(asked("early"));
  for (let n = 0; n < 5; n += 1) await Promise.all(Array.from({ length: 100 }, () => first.append(decision())));
  await first.close();
  const other = await openOther(path, clock);
  onTestFinished(async () => await other.close().catch(() => {}));
  await Promise.all(Array.from({ length: 100 }, () => other.append(decision())));
  return { path, clock, other };
}

describe("what is open is found out", () => {
  it("with what is appended while the log is read", async () => {
    const { path, other } = await longLog();
    const context = await contextOf(path);
    const open = await find(context, 3, async () => {
      await other.append(asked("meanwhile"));
      await doLater(caughtUp(context, () => {}));
      await other.append(asked("later"));
    });
    expect(open).toEqual(["early", "meanwhile", "later"]);
  });

  it("without what ended meanwhile, though the clock was then set back", async () => {
    const { path, clock, other } = await longLog();
    const context = await contextOf(path);
    const open = await find(context, 3, async () => {
      clock.ms = PAST_T1_MS;
      await other.append(decision());
      await doLater(caughtUp(context, () => {}));
      clock.ms = T0_MS;
      await other.append(asked("after"));
    });
    expect(open).toEqual(["after"]);
  });

  it("by this writer's own entries, too", async () => {
    const { path } = await longLog();
    const context = await contextOf(path);
    const { chain, lock } = context;
    const open = await find(context, 3, async () => {
      await lock.hold(() => {
        chain.catchUp();
        const batch = chain.batch(new Date(PAST_T1_MS).toISOString());
        batch.add(decision());
        chain.write(batch);
      });
    });
    expect(open).toEqual([]);
    expect(chain.openItems.register).toBeDefined();
  });

  it("anew, when entries came in between that lie in the database only", async () => {
    const { path, clock, other } = await longLog();
    const context = await contextOf(path);
    const { chain } = context;
    const open = await find(context, 3, async () => {
      await other.append(asked("meanwhile"));
      await other.close();
      await doLater(caughtUp(context, () => {}));
      expect(chain.tail).toBeUndefined();
    });
    expect(open).toEqual(["early", "meanwhile"]);
    // What is known by now is not enough, either, when that happens again.
    const third = await openOther(path, clock);
    await third.append(asked("third"));
    await third.close();
    await doLater(caughtUp(context, () => {}));
    expect(chain.openItems.register).toBeUndefined();
    expect(await find(context, Infinity, async () => {})).toEqual(["early", "meanwhile", "third"]);
  });
});

describe("when a log can't be read to find out what is open", () => {
  it.each(["openRead", "read"] as const)("since %s fails, what is appended later is not followed", async (method) => {
    const { path } = await longLog();
    let fails = false;
    const failIfTold = (): void => {
      if (fails) throw Object.assign(new Error("on purpose"), { code: "EIO" });
    };
    const context = await contextOf(path, {
      ...nodeFiles,
      openRead(name) {
        if (method === "openRead") failIfTold();
        return nodeFiles.openRead(name);
      },
      read(fd, start, end, space) {
        // The database, and not the tail.
        if (method === "read" && end - start > 200_000) failIfTold();
        return nodeFiles.read(fd, start, end, space);
      },
    });
    const followed = vi.spyOn(OpenItemsRebuild.prototype, "passes");
    onTestFinished(() => followed.mockRestore());
    fails = true;
    await expect(doLater(knowingOpenItems(context, () => {}))).rejects.toMatchObject({ code: "EIO" });
    fails = false;
    await appendTo(context, decision());
    expect(followed).not.toHaveBeenCalled();
    expect(await find(context, 0, async () => await appendTo(context, asked("later")))).toEqual(["early", "later"]);
  });
});

/** The real file system. After so many takings of the lock, before the next one, the other process does that. */
function overtaken(other: FoldContext, path: string): { readonly files: AuditFiles; takings: number } {
  const state = {
    takings: Infinity,
    files: {
      ...nodeFiles,
      link(existing: string, created: string) {
        if (created === `${path}-lock` && (state.takings -= 1) === -1) {
          const { chain } = other;
          const append = caughtUp(other, () => {
            const batch = chain.batch(other.timestamp());
            batch.add(asked("overtaking"));
            chain.write(batch);
          });
          doNow(append);
          doNow(fold(other));
        }
        nodeFiles.link(existing, created);
      },
    },
  };
  return state;
}

describe("when another process has folded entries that could not be followed, after what is open was found out", () => {
  it("that is found out again before it is decided on", async () => {
    const { path, other } = await longLog();
    await other.close();
    const state = overtaken(await contextOf(path), path);
    const writer = await LogWriter.open(path, { files: state.files, now: () => T0_MS });
    onTestFinished(async () => await writer.close());
    // Taken once to begin with the reading; then to append.
    state.takings = 1;
    const { answer } = await writer.propose(({ open }) => ({ entries: [], answer: [...open.requests.keys()] }));
    expect(answer).toEqual(["early", "overtaking"]);
    expect(state.takings).toBeLessThan(-1);
  });

  it("again and again, that is found out under the lock at last", async () => {
    const { path, other } = await longLog();
    await other.close();
    const another = await contextOf(path);
    let isBusy = false;
    let takings = 0;
    const files: AuditFiles = {
      ...nodeFiles,
      link(existing, created) {
        if (created === `${path}-lock` && isBusy) {
          takings += 1;
          doNow(
            caughtUp(another, () => {
              const batch = another.chain.batch(another.timestamp());
              batch.add(asked(`number ${takings}`));
              another.chain.write(batch);
            }),
          );
          doNow(fold(another));
        }
        nodeFiles.link(existing, created);
      },
    };
    const writer = await LogWriter.open(path, { files, now: () => T0_MS });
    onTestFinished(async () => await writer.close());
    isBusy = true;
    const { answer } = await writer.propose(({ open }) => ({ entries: [], answer: [...open.requests.keys()] }));
    isBusy = false;
    expect(answer).toEqual(["early", ...Array.from({ length: takings }, (_, index) => `number ${index + 1}`)]);
  });

  it("that is found out again before a segment carries it on", async () => {
    const { path, other } = await longLog();
    await other.close();
    const state = overtaken(await contextOf(path), path);
    const writer = await LogWriter.open(path, { files: state.files, now: () => T0_MS, segmentEntries: 200 });
    await writer.append(decision());
    // To begin with folding, to end it, to link the segment, and to begin with the reading; then to seal it.
    state.takings = 4;
    await writer.close();
    const carried = segments(path).map(({ open }) => open.requests.map(({ entry: { id } }) => id));
    expect(carried[0]).toEqual(["early", "overtaking"]);
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
  });
});

interface Segment {
  readonly open: { readonly requests: readonly { readonly entry: { readonly id: string } }[] };
}

/** The entries that name segments, in order. */
function segments(path: string): readonly Segment[] {
  return expectOneChain(path).flatMap(({ body }) =>
    body.includes('"kind":"segment"') ? (JSON.parse(body) as Segment) : [],
  );
}

/** Another process comes, appends, folds and goes. */
async function passBy(path: string, segmentEntries?: number): Promise<void> {
  const other = await openOther(path, { ms: T0_MS }, segmentEntries);
  await other.append(decision());
  await other.close();
}

describe("the log's lock is not held while a database is read", () => {
  it.each<[string, (writer: LogWriter, path: string) => Promise<unknown>]>([
    ["to decide on approvals", async (writer) => await writer.propose(({ open }) => ({ entries: [], answer: open }))],
    ["to seal it", async (writer) => await writer.close()],
    [
      "to append after another process has folded",
      async (writer, path) => {
        await passBy(path);
        expect(await writer.append(decision())).toMatchObject({ seq: 304 });
      },
    ],
    [
      "to append to the tail that another process has begun after it has folded",
      async (writer, path) => {
        await passBy(path);
        const other = await openOther(path, { ms: T0_MS });
        await other.append(decision());
        expect(await writer.append(decision())).toMatchObject({ seq: 305 });
        await other.close();
      },
    ],
    [
      "nor a segment, to append after another process has sealed that",
      async (writer, path) => {
        await passBy(path, 200);
        await passBy(path, 200);
        expect(await writer.append(decision())).toMatchObject({ seq: 306 });
      },
    ],
  ])("%s", async (_, work) => {
    const [path, clock] = [newLogPath(), { ms: T0_MS }];
    const first = await openOther(path, clock);
    await first.append(asked("open"));
    for (let n = 0; n < 3; n += 1) await Promise.all(Array.from({ length: 100 }, () => first.append(decision())));
    await first.close();

    const { files, readUnderLock } = watchedLock(path, 100_000);
    const writer = await LogWriter.open(path, { files, now: () => clock.ms, segmentEntries: 200 });
    onTestFinished(async () => await writer.close().catch(() => {}));
    await writer.append(decision());
    readUnderLock.length = 0;
    await work(writer, path);
    expect(readUnderLock).toEqual([]);
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
  });
});
