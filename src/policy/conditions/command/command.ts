/** `command`: what the programs are that a shell command line runs, and how they are called. */

import { oneOrList, TEXT, type JsonSchema } from "../../document/json-schema.ts";
import { listed, type Condition, type ConditionKind, type Subject } from "../condition.ts";
import { explain } from "./explain.ts";
import { given, type Given } from "./given.ts";
import { loadParser } from "./parser.ts";
import { compileCommandRule } from "./rule.ts";
import { allows, stops } from "./command-judge.ts";

const NAME: JsonSchema = { ...TEXT, maxLength: 256 };
const FLAG: JsonSchema = {
  title: "the name of an option",
  type: ["string", "integer"],
  minLength: 1,
  maxLength: 64,
  minimum: 0,
  maximum: 9,
};

const PATHS: JsonSchema = oneOrList(
  { ...NAME, title: "a directory or file" },
  "a list of directories and files",
  "Where paths may lead.",
);

const ONE_OR_ALL = "To deny, one of them is enough; to allow, all must be so.";

const COMMAND: JsonSchema = {
  title: "a mapping of what a command is",
  type: "object",
  minProperties: 1,
  additionalProperties: false,
  properties: {
    program: oneOrList(NAME, "a list of programs", "The program's name, or its whole path."),
    subcommand: oneOrList(NAME, "a list of subcommands", "The subcommand, as in `push` or `stash list`."),
    flags: oneOrList(FLAG, "a list of options", "Options that must all be given: by meaning, letter or long name."),
    flags_any: oneOrList(FLAG, "a list of options", "Options of which one must be given."),
    flags_only: {
      title: "an option, or a list of options",
      description: "No other options than these are given. An empty list: none at all.",
      if: { type: "array" },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { title: "a list of options", type: "array", items: FLAG },
      else: FLAG,
    },
    args: {
      title: "text, or a list of texts",
      description: `Arguments that are no options; text may be a glob. ${ONE_OR_ALL} An empty list: there are none.`,
      if: { type: "array" },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { title: "a list of texts", type: "array", items: NAME },
      else: NAME,
    },
    paths: {
      title: "a mapping with `within`",
      description: `Where the arguments lead that may be paths. ${ONE_OR_ALL}`,
      type: "object",
      additionalProperties: false,
      required: ["within"],
      properties: { within: PATHS },
    },
    redirects: {
      title: "a mapping with `from` and `to`",
      description: "Files that input is redirected from and output to. An allow rule allows no others.",
      type: "object",
      minProperties: 1,
      additionalProperties: false,
      properties: { from: PATHS, to: PATHS },
    },
    assignments: oneOrList(
      NAME,
      "a list of variables",
      "Variables that are set for a command; text may be a glob. An allow rule allows no others.",
    ),
    opaque: { title: "true or false", description: "Whether the text does not tell what is run.", type: "boolean" },
    max_commands: {
      title: "a number of commands",
      description: "The command line has at most so many commands.",
      type: "integer",
      minimum: 1,
      maximum: 1024,
    },
    field: {
      ...NAME,
      title: "the name of a field",
      description: "The payload's field with the command. Default: command, cmd, script or input, or the only text.",
    },
  },
};

const SCHEMA: JsonSchema = oneOrList(
  COMMAND,
  "a list of such mappings",
  "Holds when a shell command line runs such a command. To deny, one command in it is enough; to allow, all must be so.",
);

/**
 * To restrict: `yes` when a command surely is such a one, `maybe` when one may be, or when more may run than the text tells.
 * To allow: `yes` when every command surely is one, and nothing in the text is beyond two ways of reading it.
 */
export const command: ConditionKind = {
  schema: SCHEMA,
  compile: (value, report, section): Condition => {
    loadParser();
    const written = listed(value) as readonly Readonly<Record<string, unknown>>[];
    const rules = written.map(compileCommandRule);
    const problem = (index: number, key: string, message: string): void =>
      report(Array.isArray(value) ? [index, key] : [key], message);
    const field = written[0]?.["field"] as string | undefined;
    written.forEach((each, index) => {
      if (section === "allow" && each["opaque"] === true) problem(index, "opaque", "nothing opaque is ever allowed");
      if (each["field"] !== field) problem(index, "field", "must be the same in all items of the list");
    });
    const of = ({ event, text }: Subject): Given => given(event.payload, text, field);
    const judge = section === "allow" ? allows : stops;
    return {
      ask: (subject) => judge(rules, of(subject)),
      why: (subject) => explain(rules, of(subject), section),
    };
  },
};
