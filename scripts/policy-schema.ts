/** Writes policy.schema.json, the copy of the loader's own schema that editors read. Run after changing it. */

import { writeFileSync } from "node:fs";

import { POLICY_SCHEMA } from "../src/policy/document/schema.ts";

writeFileSync("policy.schema.json", `${JSON.stringify(POLICY_SCHEMA, null, 2)}\n`);
