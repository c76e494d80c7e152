/** `path`: where the files and directories lie that a call names. */

import { alike } from "../../answer.ts";
import { oneOrList, type JsonSchema } from "../../document/json-schema.ts";
import { listed, type ConditionKind } from "../condition.ts";
import { FIELD, statedIn } from "../stated.ts";
import { compilePath, mixesStyles } from "./path-judge.ts";

/** The top-level fields of a payload that name a file or directory. All that are present count. */
export const PATH_FIELDS: readonly string[] = ["path", "file", "filepath", "filename", "target", "directory", "root"];

const PATH: JsonSchema = { title: "a path", type: "string", minLength: 1, maxLength: 1024 };

const directories = (description: string): JsonSchema => oneOrList(PATH, "a list of directories", description);

interface Written {
  readonly field?: unknown;
  readonly within?: unknown;
  readonly not_within?: unknown;
  readonly glob?: unknown;
  readonly base?: string;
}

/**
 * `yes` when every path is where it should be, `maybe` when some are or one can be read in two ways, `no` when none is or
 * there is none. Nothing is looked up on disk, so links are not followed.
 */
export const path: ConditionKind = {
  schema: {
    title: "a mapping with `within`, `not_within` or `glob`",
    description: `Holds for where the paths of the payload lead (default fields: ${PATH_FIELDS.join(", ")}), after . and ..`,
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    properties: {
      field: FIELD,
      within: directories("The path is this directory or below it, or any of these."),
      not_within: directories("The path is neither this directory nor below it, nor any of these."),
      glob: oneOrList(
        { ...PATH, title: "a glob", maxLength: 256 },
        "a list of globs",
        "The path matches: * and ? within a name, ** for any number of names. Without a slash it is about the last name.",
      ),
      base: { ...PATH, description: "The directory from which the tool takes relative paths." },
    },
  },
  compile: (value, report, section) => {
    const { field, within, not_within: notWithin, glob, base } = value as Written;
    const terms = {
      ...(within === undefined ? {} : { within: texts(within) }),
      ...(notWithin === undefined ? {} : { notWithin: texts(notWithin) }),
      ...(glob === undefined ? {} : { glob: texts(glob) }),
      base,
    };
    if (within === undefined && notWithin === undefined && glob === undefined)
      report([], "says nothing about paths; give it `within`, `not_within` or `glob`");
    if (mixesStyles(terms)) report([], "has directories of Windows and of POSIX; write a rule for each");
    const judge = compilePath(terms, section);
    const find = statedIn(field, PATH_FIELDS);
    return {
      ask: ({ event: { payload } }) => alike(find(payload).map((stated) => judge(stated.value).answer)),
      why: ({ event: { payload } }) =>
        find(payload)
          .map((stated) => `${stated.field} ${judge(stated.value).why}`)
          .join(", ") || "the payload has no path",
    };
  },
};

function texts(value: unknown): readonly string[] {
  return listed(value).map((each) => String(each));
}
