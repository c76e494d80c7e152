/** What a decision costs without the log. */

import { ActionEvent, Policy } from "../src/index.ts";
import { measure, report } from "./measure.ts";

/** The walkthrough's policy on its two calls, and on a 10 kB payload. */
export async function benchPolicy(): Promise<void> {
  const policy = Policy.load("policies/demo.yaml");
  const calls = { allow: "ls -la /tmp", deny: "rm -rf /var/lib/postgresql", "allow, 10 kB": "ls ".repeat(3_400) };
  const subjects = Object.entries(calls).map(([name, command]) => {
    const asked = event(command);
    return {
      name: `policy.evaluate, ${name}`,
      run: (times: number) => {
        for (let index = 0; index < times; index += 1) policy.evaluate(asked);
      },
    };
  });
  const create = {
    name: "ActionEvent.create",
    run: (times: number) => {
      for (let index = 0; index < times; index += 1) event("ls -la /tmp");
    },
  };
  report("A decision without the log", "µs", await measure([...subjects, create], 25, 2_000));
}

function event(command: string): ActionEvent {
  return ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload: { command } });
}
