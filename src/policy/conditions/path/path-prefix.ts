/** `path_prefix`: the files and directories a call names lie within a directory. */

import type { JsonObject } from "../../../snapshot.ts";
import { alike, same } from "../../answer.ts";
import { oneOrList, SEARCHED_TEXT } from "../../document/json-schema.ts";
import { listed, type ConditionKind } from "../condition.ts";
import { foldForms } from "./location.ts";
import { compilePath, type PathJudgement } from "./path-judge.ts";
import { PATH_FIELDS } from "./path.ts";

/**
 * `yes` when every path in the payload is one of the directories or below it, `maybe` when some are or one may be read in
 * two ways, `no` when none is or there is none. As `path: {within: …}` where a relative path starts from a directory that
 * nobody knows, and where case counts. Nothing is looked up on disk, so links are not followed.
 */
export const pathPrefix: ConditionKind = {
  schema: oneOrList(
    SEARCHED_TEXT,
    "a list of directories",
    `Holds when every path at the top of the payload (${PATH_FIELDS.join(", ")}) lies within the directory, after . and ..`,
  ),
  readsNumbersAsText: true,
  compile: (value) => {
    const judge = compilePath({ within: listed(value).map(String), alike: foldForms }, "deny");
    const judged = (payload: JsonObject): readonly (readonly [string, PathJudgement])[] =>
      present(payload).map((field) => [field, judge(payload[field] ?? null)]);
    return {
      ask: ({ event: { payload } }) => alike(judged(payload).map(([, { answer }]) => answer)),
      made: ({ event: { payload } }) => ({
        together: same,
        answers: present(payload).map((field) => () => judge(payload[field] ?? null).answer),
      }),
      why: ({ event: { payload } }) => {
        const words = { yes: "is within", maybe: "may be within", no: "is not within" };
        const found = judged(payload).map(([field, { answer }]) => `${field} ${words[answer]}`);
        return found.join(", ") || "the payload has no path";
      },
    };
  },
};

function present(payload: JsonObject): readonly string[] {
  return PATH_FIELDS.filter((field) => Object.hasOwn(payload, field));
}
