/** `capfence policy explain`: why a policy decides about a call as it does, or what stands between the call and an allow. */

import type { ActionEvent } from "../../event.ts";
import { nameOfPart } from "../../policy/partial/unknown-part.ts";
import { CommandFailure } from "../command-failure.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { jsonLine } from "../terminal.ts";
import { loadPolicy } from "./files.ts";
import { callFromJson, eventFromFields } from "./given-event.ts";
import { readGivenText } from "./given-text.ts";
import { describeExplanation, describeObstacles } from "./shown-explanation.ts";

/** The options of `capfence policy explain`: `event`, or `capability` and what goes with it. */
export interface ExplainOptions {
  /** A file; `-` is standard input. */
  readonly event?: string;
  readonly capability?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly environment?: string;
  readonly whyNot?: "allow";
  readonly json?: true;
}

/**
 * Prints the explanation. A denied call is no finding: nothing is wrong with it.
 *
 * @throws CommandFailure when the policy is not valid, or the event can't be read or means nothing.
 */
export async function explain(file: string, options: ExplainOptions, host: Host): Promise<ExitCode> {
  const policy = await loadPolicy(file, host);
  const event = options.event === undefined ? describedEvent(options, host) : await readEvent(options.event, host);
  const explanation = policy.explain(event);
  const obstacles = options.whyNot === undefined ? undefined : policy.whyNotAllow(event);
  if (options.json === true) {
    host.stdout.write(jsonLine({ file, digest: policy.digest, ...explanation, ...(obstacles && { obstacles }) }));
  } else if (obstacles === undefined) {
    host.stdout.write(describeExplanation(explanation, host));
  } else {
    host.stdout.write(describeObstacles(obstacles, explanation, host));
  }
  return EXIT.ok;
}

function describedEvent({ capability, payload, context, environment }: ExplainOptions, host: Host): ActionEvent {
  const fields = { capability, payload, context, environment };
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  try {
    return eventFromFields(given, host);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandFailure(EXIT.usage, error.message, { cause: error });
  }
}

async function readEvent(file: string, host: Host): Promise<ActionEvent> {
  const name = file === "-" ? "standard input" : file;
  const text = file === "-" ? await host.readInput() : readGivenText(file, host);
  try {
    const call = callFromJson(text, host);
    if (typeof call === "string") {
      const what = call === "refused" ? "was refused before any policy was asked" : "is no call";
      throw new CommandFailure(EXIT.failed, `${name}: what is recorded ${what}`);
    }
    const left = call.unknown.map(nameOfPart).join(", ");
    if (left === "") return call.event;
    throw new CommandFailure(EXIT.failed, `${name}: ${left} was not recorded as it was, so it can't be explained`);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandFailure(EXIT.failed, `${name}: ${error.message}`, { cause: error });
  }
}
