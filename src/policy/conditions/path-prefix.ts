/** `path_prefix`: the files and directories a call names lie within a directory. */

import type { Json, JsonObject } from "../../snapshot.ts";
import { alike, either, type Answer } from "../answer.ts";
import { oneOrList, SEARCHED_TEXT } from "../json-schema.ts";
import { listed, type ConditionKind } from "./condition.ts";
import { isUndecidable, isWithin, locate, readingsOf, type Location } from "./path-readings.ts";

/** The top-level fields of a payload that name a file or directory. All that are present count. */
export const PATH_FIELDS: readonly string[] = ["path", "file", "filepath", "filename", "target", "directory", "root"];

/**
 * `yes` when every path in the payload is one of the directories or below it, `maybe` when some are or one may be read in
 * two ways, `no` when none is or there is none. Nothing is looked up on disk, so links are not followed.
 */
export const pathPrefix: ConditionKind = {
  schema: oneOrList(
    SEARCHED_TEXT,
    "a list of directories",
    `Holds when every path at the top of the payload (${PATH_FIELDS.join(", ")}) lies within the directory, after . and ..`,
  ),
  compile: (value) => {
    const directories = listed(value).map((directory) => locate(String(directory)));
    const answers = (payload: JsonObject): readonly (readonly [string, Answer])[] =>
      PATH_FIELDS.filter((field) => Object.hasOwn(payload, field)).map((field) => [
        field,
        answerFor(payload[field] ?? null, directories),
      ]);
    return {
      ask: ({ event: { payload } }) => alike(answers(payload).map(([, answer]) => answer)),
      why: ({ event: { payload } }) => {
        const found = answers(payload);
        if (found.length === 0) return "the payload has no path";
        const words = { yes: "is within", maybe: "may be within", no: "is not within" };
        return found.map(([field, answer]) => `${field} ${words[answer]}`).join(", ");
      },
    };
  },
};

function answerFor(value: Json, directories: readonly Location[]): Answer {
  if (typeof value !== "string" || isUndecidable(value)) return "maybe";
  const readings = readingsOf(value);
  return directories.reduce<Answer>(
    (answer, directory) => either(answer, alike(readings.map((reading) => answerOf(isWithin(reading, directory))))),
    "no",
  );
}

function answerOf(within: boolean | undefined): Answer {
  if (within === undefined) return "maybe";
  return within ? "yes" : "no";
}
