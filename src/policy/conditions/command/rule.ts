/** What a rule says about commands, compiled. */

import { locate, type Location } from "../path/location.ts";
import { compileGlob } from "../glob.ts";
import { listed } from "../condition.ts";

/** Tests a text. */
type Test = (text: string) => boolean;

/** What a command has to be. What is `undefined` may be anything. */
export interface CommandRule {
  readonly programs: readonly string[] | undefined;
  /** Each as words: `stash list`. */
  readonly subcommands: readonly (readonly string[])[] | undefined;
  readonly flags: readonly string[] | undefined;
  readonly flagsAny: readonly string[] | undefined;
  readonly flagsOnly: readonly string[] | undefined;
  readonly args: Test | undefined;
  readonly within: readonly Location[] | undefined;
  readonly readsFrom: readonly Location[] | undefined;
  readonly writesTo: readonly Location[] | undefined;
  readonly assignments: Test | undefined;
  readonly opaque: boolean | undefined;
  readonly maxCommands: number | undefined;
}

type Written = Readonly<Record<string, unknown>>;

/** Compiles one mapping that the schema has accepted. */
export function compileCommandRule(written: Written): CommandRule {
  const paths = (written["paths"] ?? {}) as Written;
  const redirects = (written["redirects"] ?? {}) as Written;
  return {
    programs: texts(written["program"]),
    subcommands: texts(written["subcommand"])?.map((each) => each.trim().split(/\s+/)),
    flags: texts(written["flags"]),
    flagsAny: texts(written["flags_any"]),
    flagsOnly: texts(written["flags_only"]),
    args: globs(written["args"]),
    within: texts(paths["within"])?.map((path) => locate(path)),
    readsFrom: texts(redirects["from"])?.map((path) => locate(path)),
    writesTo: texts(redirects["to"])?.map((path) => locate(path)),
    assignments: globs(written["assignments"]),
    opaque: written["opaque"] as boolean | undefined,
    maxCommands: written["max_commands"] as number | undefined,
  };
}

function texts(value: unknown): readonly string[] | undefined {
  return value === undefined ? undefined : listed(value).map(String);
}

function globs(value: unknown): Test | undefined {
  const tests = texts(value)?.map(compileGlob);
  return tests === undefined ? undefined : (text) => tests.some((test) => test(text));
}
