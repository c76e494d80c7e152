/** Texts that nobody means: random bytes, scripts and statements cut off, nested or repeated without end. */

import * as fc from "fast-check";

import { Policy } from "../../../src/policy/policy.ts";
import { corpus } from "../corpus.ts";

const CONDITIONS = {
  command: [
    { field: "x", program: ["rm", "ls"], flags: "recursive", args: ["*a*b*"], paths: { within: "." } },
    { field: "x", program: "git", subcommand: ["log", "stash list"], flags_only: ["oneline"], redirects: { to: "." } },
  ],
  path: { field: "x", within: "/srv/app", not_within: "/srv/app/.git", glob: ["**/*.ts", "src/**"] },
  url: { field: "x", hosts: ["*.example.com", "*"], paths: "/**/a/**", schemes: ["https"] },
  amount: { field: "x", gt: 0, lte: "99.99" },
  sql: { field: "x", kinds: ["select"], tables: "*", functions: "*", where: "keyed" },
} as const;

/** Policies by the condition that they ask about the field `x`: one that allows by it, and one that denies. */
export const policies: readonly (readonly [condition: string, both: readonly Policy[]])[] = Object.entries(
  CONDITIONS,
).map(([key, terms]) => [
  key,
  ["allow", "deny"].map((section) =>
    Policy.parse(JSON.stringify({ [section]: [{ capability: "a.b", [key]: terms }] })),
  ),
]);

const inputs = (["shell", "path", "url", "sql"] as const).flatMap((name) => corpus(name).map(({ input }) => input));
const seed = fc.constantFrom(...inputs);

const PARTS = [
  ..."( [ { $( ` ' \" \\ ; | & < > * ? ~ # = ! @ % - 0 é \u{10000} /* */ << <<< <( ${ ${x:- $(( (( [[ $' && || ;;".split(
    " ",
  ),
  "\n",
  "ls;",
  "ls\n",
  "rm -r ",
  "sudo ",
  "x=1 ",
  "{a,b}",
  "sh -c '",
  "cat <<E\n",
  "if a; then ",
  "case a in ",
  "f() { ",
  "zz 'a b' ",
  "sed s!a!",
  "printf x ",
  "select (",
  "not ",
  "+1",
  "::int",
  " union select 1",
  "case when a then ",
  "with a as (",
  "1,",
  "a.",
  "../",
  "%25",
  "**/",
];
const repeated = fc
  .tuple(fc.constantFrom(...PARTS), fc.integer({ min: 1, max: 9000 }), seed)
  .map(([part, count, text]) => `${text.slice(0, 20)}${part.repeat(count)}${text.slice(20)}`);

const LAYERS: readonly (readonly [string, string])[] = [
  ["$(", ")"],
  ["ls `", "`"],
  ["(", ")"],
  ["{ ", "; }"],
  ['"$(', ')"'],
  ["sh -c '", "'"],
  ['bash -c "', '"'],
  ["if ", "; then ls; fi"],
  ["case a in a) ", ";; esac"],
  ["cat <<E\n", "\nE\n"],
  ["${x:-", "}"],
  ["$((", "))"],
  ["select (", ")"],
  ["with a as (", ") select 1"],
  ["explain ", ""],
];
const nested = fc
  .tuple(fc.array(fc.constantFrom(...LAYERS), { maxLength: 60 }), seed, fc.nat(400))
  .map(([layers, text, cut]) => {
    const whole = layers.reduce((inside, [before, after]) => `${before}${inside}${after}`, text);
    return cut < 200 ? whole.slice(0, Math.max(0, whole.length - cut)) : whole;
  });

const bytes = fc.uint8Array({ maxLength: 400 }).map((each) => Buffer.from(each));

/** Such a text. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  bytes.map((each) => each.toString("utf8").toWellFormed()),
  bytes.map((each) => each.toString("latin1")),
  fc.tuple(seed, fc.nat(200)).map(([whole, length]) => whole.slice(0, length)),
  fc.tuple(seed, seed, fc.nat(100)).map(([one, other, at]) => one.slice(0, at) + other + one.slice(at)),
  nested,
  repeated,
);
