/** `capfence policy schema`: the JSON Schema of policies. */

import { POLICY_SCHEMA } from "../../policy/document/schema.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";

/** Prints the schema that policies are checked against. */
export function schema(host: Host): ExitCode {
  host.stdout.write(`${JSON.stringify(POLICY_SCHEMA, null, 2)}\n`);
  return EXIT.ok;
}
