/** Calls that are aborted: before they are judged, while they are judged, and while the tool runs. */

import { once } from "node:events";

import type { Wrapper } from "./check-entrances.ts";
import { outcomeOf } from "./plain-data.ts";
import { ALLOWED, Careless, gate, probe, UNDERWAY } from "./probe.ts";
import type { Findings } from "./report.ts";
import type { KitTool } from "./tool-factory.ts";

const MAX_TURNS = 20;
const REASON = "changed my mind";

/** Checks that an aborted call does not start the tool, and ends as it would without the gate. */
export async function checkAborts(findings: Findings, wrapper: Wrapper): Promise<void> {
  for (const [name, check] of Object.entries(CHECKS)) {
    await findings.attempt(UNDERWAY, name, async () => await check(findings, wrapper, name));
  }
}

type Check = (findings: Findings, wrapper: Wrapper, name: string) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  "aborted before the call": checkBefore,
  "aborted while it is judged": checkMeanwhile,
  "aborted while the tool runs": checkLate,
};

async function checkBefore(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const careless = new Careless();
  const reason = new Error(REASON);
  const gated = await gate(wrapper, careless);
  const actual = await outcomeOf(() => gated.invoke({ ...ALLOWED }, { signal: AbortSignal.abort(reason) }));
  findings.note(UNDERWAY, name, careless.ran.length === 0 ? undefined : "the tool ran");
  // Not what comes of it without the gate: there, older versions of core wait for ever.
  const expected = await outcomeOf(() => Promise.reject(reason));
  findings.compare(UNDERWAY, name, "what came out", actual, expected);
}

/** Nobody knows when a gate has judged, so the call is aborted at ever later turns of the event loop, until it is too late. */
async function checkMeanwhile(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const ran: boolean[] = [];
  for (let turns = 0; turns < MAX_TURNS && ran.at(-1) !== false; turns += 1) {
    const careless = new Careless();
    const gated = await gate(wrapper, careless);
    const controller = new AbortController();
    const call = outcomeOf(() => gated.invoke({ ...ALLOWED }, { signal: controller.signal }));
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    controller.abort(new Error(REASON));
    await call;
    ran.push(...careless.ran);
  }
  const problem = ran.includes(true) ? "the tool was started although the call had been aborted" : undefined;
  findings.note(UNDERWAY, name, problem);
}

async function checkLate(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const expected = await abortedLate((inner) => inner);
  const actual = await abortedLate(async (inner) => await gate(wrapper, inner));
  findings.compare(UNDERWAY, name, "what came out", actual, expected);
}

/** What comes of a call that is aborted once its tool has begun; a tool that nobody stops comes to its own end. */
async function abortedLate(put: (inner: KitTool) => KitTool | Promise<KitTool>): Promise<unknown> {
  const controller = new AbortController();
  const [begin, end] = [new AbortController(), new AbortController()];
  const [begun, ended] = [begin, end].map(async ({ signal }) => await once(signal, "abort"));
  const subject = await put(
    probe(async () => {
      begin.abort();
      await ended;
      return "came to its end";
    }),
  );
  const call = outcomeOf(() => subject.invoke({ ...ALLOWED }, { signal: controller.signal }));
  await Promise.race([begun, call]);
  controller.abort(new Error(REASON));
  for (let turn = 0; turn < MAX_TURNS; turn += 1) await nextTurn();
  end.abort();
  return await call;
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
