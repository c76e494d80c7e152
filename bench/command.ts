/** What `command` costs beyond the bare parser: command lines of about 100 bytes, under one rule and under the shipped policy. */

import { parse } from "unbash";

import { ActionEvent, Policy } from "../src/index.ts";
import { measure, report, type Subject } from "./measure.ts";

const LINES: Readonly<Record<string, string>> = {
  "one program": `grep -rn --include='*.ts' --exclude-dir=node_modules "ActionRuntime.fromPolicy" src examples docs bench`,
  "a pipeline": `git log --oneline -20 -- src/policy 2>/dev/null | grep -i fix | sort | uniq -c | sort -rn | head -n 5`,
  "a nested delete": `cd build && sudo -n env -i PATH=/bin bash -c 'find . -type d -exec rm -r {} +; rm -fr ./dist/*' > log`,
};
const DENY = { deny: [{ capability: "shell.execute", command: { program: "rm", flags: "recursive" } }] };
// Short slices: a longer one has other processes in it on a busy machine.
const TIMES = 20;
const ROUNDS = 1_000;
/** Microseconds beyond parsing that a decision may take at the median. */
const TARGET = 60;

/** Each line by the bare parser, by one rule, by the shipped policy, and by a policy that asks nothing about commands. */
export async function benchCommand(): Promise<void> {
  const one = Policy.parse(JSON.stringify(DENY));
  const none = Policy.parse(JSON.stringify({ deny: [{ capability: "shell.execute", environment: "test" }] }));
  const shipped = Policy.load("policies/shell.yaml");
  for (const [name, command] of Object.entries(LINES)) {
    const event = ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload: { command } });
    const timings = await measure(
      [
        repeated("the bare parser", () => parse(command)),
        repeated("one rule with command", () => one.evaluate(event)),
        repeated("policies/shell.yaml", () => shipped.evaluate(event)),
        repeated("a rule without command", () => none.evaluate(event)),
      ],
      ROUNDS,
      TIMES,
    );
    report(`command, ${name}: ${command.length} bytes`, "µs", timings);
    const [bare, decided] = timings;
    const beyond = (decided?.median ?? NaN) - (bare?.median ?? NaN);
    console.log(`  beyond parsing, one rule: ${beyond.toFixed(1)} µs; target: at most ${TARGET}`);
  }
}

function repeated(name: string, once: () => unknown): Subject {
  return {
    name,
    run: (times) => {
      for (let index = 0; index < times; index += 1) once();
    },
  };
}
