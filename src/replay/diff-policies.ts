/** diffPolicies: what two policies decide differently about the same calls. */

import { ActionEvent, type ActionEventFields } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { compareCall, type NamedCall } from "./compared-call.ts";
import { Tally, type Difference } from "./difference.ts";
import { judge, NO_JUDGEMENT } from "./judged-call.ts";

/** Calls kept of each group, by default. */
const EXAMPLES = 20;

/**
 * Decides every event under both policies and says what differs, newly allowed first. Events may come one by one, and only
 * some of those that are decided differently are kept.
 *
 * @throws PolicyLoadError when one of the policies can't be made ready; see `Policy.ready`.
 * @throws TypeError when one of `events` is not an event and cannot be made one.
 */
export async function diffPolicies(
  old: Policy,
  changed: Policy,
  events: Iterable<ActionEvent | ActionEventFields> | AsyncIterable<ActionEvent | ActionEventFields>,
): Promise<Difference> {
  return await diffCalls(old, changed, named(events), EXAMPLES);
}

/** The same for calls that have names, and may be known in part. `maxExamples` are kept of each group. */
export async function diffCalls(
  old: Policy,
  changed: Policy,
  calls: Iterable<NamedCall> | AsyncIterable<NamedCall>,
  maxExamples: number,
): Promise<Difference> {
  await Promise.all([old.ready(), changed.ready()]);
  const tally = new Tally(maxExamples);
  const isOne = old.digest === changed.digest;
  for await (const each of calls) {
    const { call } = each;
    const said = (policy: Policy) => (typeof call === "string" ? NO_JUDGEMENT : judge(policy, call));
    const compared = compareCall(each, said(old), said(changed));
    // Whatever it is that is not known of a call, one policy decides alike about it.
    tally.add(isOne && compared.possible !== undefined ? { ...compared, possible: [] } : compared);
  }
  return tally.difference;
}

async function* named(
  events: Iterable<ActionEvent | ActionEventFields> | AsyncIterable<ActionEvent | ActionEventFields>,
): AsyncGenerator<NamedCall> {
  let count = 0;
  for await (const each of events) {
    count += 1;
    const event = ActionEvent.isInstance(each) ? each : ActionEvent.create(each);
    yield { name: `event ${count}`, call: { event, unknown: [] } };
  }
}
