import { describe, expect, it } from "vitest";

import { PolicyLoadError } from "../../src/errors.ts";
import { Policy } from "../../src/policy/policy.ts";
import { issuesIn, summary } from "./load-errors.ts";

describe("a policy that does not fit the schema", () => {
  it("shows a misspelt key with a caret under it and the key that was meant", () => {
    const text = 'deny:\n  - capability: shell.execute\n    contians: "rm -rf"\nallow:\n  - shell.execute\n';
    const error = (() => {
      try {
        return Policy.parse(text, { source: "policies/demo.yaml" });
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(PolicyLoadError);
    expect((error as PolicyLoadError).message).toBe(
      [
        "policies/demo.yaml:3:5 deny[0].contians: unknown key `contians`; did you mean `contains`?",
        '3 |     contians: "rm -rf"',
        "  |     ^",
      ].join("\n"),
    );
    expect((error as PolicyLoadError).issues).toEqual([
      {
        source: "policies/demo.yaml",
        line: 3,
        column: 5,
        path: "deny[0].contians",
        message: "unknown key `contians`; did you mean `contains`?",
        frame: '3 |     contians: "rm -rf"\n  |     ^',
      },
    ]);
  });

  const rule = "a capability, or a mapping with `capability` and conditions";

  it.each<[string, string[]]>([
    ["Deny: []", ["1:1 Deny: unknown key `Deny`; did you mean `deny`?"]],
    [
      "require-approval: []",
      ["1:1 require-approval: unknown key `require-approval`; did you mean `require_approval`?"],
    ],
    [
      "extra: 1",
      [
        "1:1 extra: unknown key `extra`; known here: version, policy_name, description, extends, approval_timeout_seconds, " +
          "risk_levels, deny, require_approval, allow, rules",
      ],
    ],
    ["deny:\n- {capabilty: a.b}\n", ["2:4 deny[0].capabilty: unknown key `capabilty`; did you mean `capability`?"]],
    ["deny:\n- {contains: a}\n", ["2:3 deny[0]: the key `capability` is missing"]],
    ["allow: null", ["1:8 allow: has no value; it must be a list of rules"]],
    ["deny: []\nallow:\n", ["2:1 allow: has no value; it must be a list of rules"]],
    ["allow: shell.execute", ["1:8 allow: must be a list of rules, not text"]],
    ["allow: {capability: a}", ["1:8 allow: must be a list of rules, not a mapping"]],
    [
      "deny: [5, [a], true, null]",
      [
        `1:8 deny[0]: must be ${rule}, not a number`,
        `1:11 deny[1]: must be ${rule}, not a list`,
        `1:16 deny[2]: must be ${rule}, not true or false`,
        `1:22 deny[3]: has no value; it must be ${rule}`,
      ],
    ],
    [
      "deny:\n  - a\n  -\n  - b # -\n  -\n",
      [`3:3 deny[1]: has no value; it must be ${rule}`, `5:3 deny[3]: has no value; it must be ${rule}`],
    ],
    ["5", ["1:1 a policy must be a mapping with the sections deny, require_approval and allow, not a number"]],
    ["- allow", ["1:1 a policy must be a mapping with the sections deny, require_approval and allow, not a list"]],
    ["deny: [{capability: a, contains: ''}]", ["1:34 deny[0].contains: must not be empty"]],
    ["deny: [{capability: a, contains: []}]", ["1:34 deny[0].contains: must not be empty"]],
    [
      "deny: [{capability: a, contains: ~}]",
      ["1:34 deny[0].contains: has no value; it must be text, a number, true or false"],
    ],
    ...(
      [
        ["0o777", "511"],
        ["1e3", "1000"],
        ["0010", "10"],
        ["1.0", "1"],
        ["+5", "5"],
        ["-0", "0"],
        ["0xff", "255"],
        ["1e-7", undefined],
        ["1.5", undefined],
        ["-17", undefined],
      ] as const
    ).flatMap(([written, read]): [string, string[]][] => {
      const message = `is the number ${read}, and would be looked for as that; quote it to mean the text "${written}"`;
      const problem = (place: string): string[] => (read === undefined ? [] : [`${place}: ${message}`]);
      return [
        [`deny: [{capability: a, contains: ${written}}]`, problem("1:34 deny[0].contains")],
        [`deny:\n  - capability: a\n    match_keywords: [a, ${written}]`, problem("3:25 deny[0].match_keywords[1]")],
        [`rules: [{action: deny, path_prefix: ${written}}]`, problem("1:37 rules[0].path_prefix")],
        [`deny: [{capability: a, contains: "${written}"}]`, []],
        [`deny: [{capability: a, amount_gt: ${written}, table: ${written} }]`, []],
      ];
    }),
    [
      "deny: [{capability: a, contains: {b: 1}}]",
      ["1:34 deny[0].contains: must be text, a number, true or false, not a mapping"],
    ],
    [
      "deny: [{capability: a, contains: [b, ['c']]}]",
      ["1:38 deny[0].contains[1]: must be text, a number, true or false, not a list"],
    ],
    [
      "deny: [{capability: a, contains: .inf}]",
      ["1:34 deny[0].contains: must be text, a number, true or false, not Infinity"],
    ],
    [
      "deny: [{capability: a, contains: 12345678901234567890}]",
      ["1:34 deny[0].contains: is too large a number to be read exactly; write it in quotes"],
    ],
    [
      `deny: [{capability: a, contains: ${"x".repeat(1025)}}]`,
      ["1:34 deny[0].contains: is longer than 1024 characters"],
    ],
    ["deny: [{capability: a, id: 5}]", ["1:28 deny[0].id: must be text, not a number"]],
    ['deny: [{capability: a, id: "x\\u200b"}]', ["1:28 deny[0].id: has the invisible character U+200B"]],
    ['deny: [{capability: a, id: "x\\u202ey"}]', ["1:28 deny[0].id: has the invisible character U+202E"]],
    ["deny: [{capability: a, id: ' x'}]", ["1:28 deny[0].id: begins or ends with white space"]],
    [
      "deny: [{capability: a, id: 'deny[1]'}]",
      ["1:28 deny[0].id: `deny[1]` is how a rule without an id is called; choose another"],
    ],
    [
      "deny: [{capability: a, id: x}]\nallow: [{capability: a, id: x}]",
      ["2:29 allow[0].id: `x` is the id of an earlier rule; ids are unique in a file"],
    ],
    ["description: ''", ["1:14 description: must not be empty"]],
    ["policy_name: [x]", ["1:14 policy_name: must be text, not a list"]],
  ])("%j: %j", (text, expected) => {
    expect(summary(issuesIn(text))).toEqual(expected);
  });

  it.each([
    ["shell.execute.prod*", "has a `*` inside a segment"],
    ["sh**", "has a `*` inside a segment"],
    ["shell.", "has an empty segment"],
    ["..", "has an empty segment"],
    ["", "must not be empty"],
    ["bad cap", "has the character ` `"],
    ["shell/execute", "has the character `/`"],
    ["shéll", "has the character U+00E9"],
    ["shell\\u200b", "has the character U+200B"],
    ["shell\\u2066.x", "has the character U+2066"],
    ["shell.execute\\n", "has the character U+000A"],
    [Array.from({ length: 17 }, () => "a").join("."), "has more than 16 segments"],
    ["a".repeat(257), "is longer than 256 characters"],
  ])("says what is wrong with the capability %j", (capability, message) => {
    const [issue, ...others] = issuesIn(`allow:\n  - "${capability}"\n`);
    expect(issue).toMatchObject({ line: 2, column: 5, path: "allow[0]" });
    expect(issue?.message).toContain(message);
    expect(others).toEqual([]);
    expect(summary(issuesIn(`deny: [{capability: "${capability}"}]`))).toEqual([
      `1:21 deny[0].capability: ${issue?.message}`,
    ]);
  });

  it("tells of all problems at once, in the order of the file", () => {
    const text = [
      "alow: [x]",
      "deny:",
      "  - shell.ex*",
      "  - capability: a.b",
      "    id: one",
      "    contains: [x, '']",
      "  - capability: !!str a.b",
      "    id: one",
      "  - &anchor c",
      "allow: *anchor",
      "deny: []",
    ].join("\n");
    expect(summary(issuesIn(text))).toEqual([
      "1:1 alow: unknown key `alow`; did you mean `allow`?",
      "3:5 deny[0]: has a `*` inside a segment; `*` stands for one whole segment, and a shorter capability covers all below it",
      "6:19 deny[1].contains[1]: must not be empty",
      "7:17 deny[2].capability: a tag; policies use plain YAML without `!`",
      "8:9 deny[2].id: `one` is the id of an earlier rule; ids are unique in a file",
      "9:5 deny[3]: an anchor; policies use plain YAML without `&` and `*`",
      "10:8 allow: an alias; write the value out, a policy has to be readable as it stands",
      "11:1 deny: the key `deny` is already in this mapping",
    ]);
  });

  it("lists a hundred problems and counts the others", () => {
    const issues = issuesIn(`deny:\n${"  - 5\n".repeat(5000)}`);
    expect(issues).toHaveLength(101);
    expect(issues.at(99)?.line).toBe(101);
    expect(issues.at(-1)?.message).toBe("and 4900 more problems; correct the ones above first");
  });
});

describe("the frame of an issue", () => {
  it("shows a piece of a long line, with the caret where it belongs", () => {
    const [issue] = issuesIn(`{"description": "${"x".repeat(500)}", "extra": 1, "policy_name": "${"y".repeat(500)}"}`);
    const [line = "", caret = ""] = issue?.frame?.split("\n") ?? [];
    expect(issue?.column).toBe(521);
    expect(line.length).toBeLessThan(120);
    expect(line.slice(caret.indexOf("^"))).toMatch(/^"extra": 1/);
  });

  it("shows tabs as one space and no character that a terminal would act on", () => {
    const [issue] = issuesIn('{\t"description": "\u009b31m\u202e", "extra": 1}');
    const [line = "", caret = ""] = issue?.frame?.split("\n") ?? [];
    expect(line).toBe('1 | { "description": "\uFFFD31m\uFFFD", "extra": 1}');
    expect(line.slice(caret.indexOf("^"))).toBe('"extra": 1}');
  });

  it("counts lines that end with CR LF, LF or CR", () => {
    expect(summary(issuesIn("# one\r\n# two\r# three\nextra: 1\r\n"))[0]).toMatch(/^4:1 /);
    expect(issuesIn("deny: []\r\nextra: 1\r\n")[0]?.frame).toBe("2 | extra: 1\n  | ^");
  });

  it("does not count a byte order mark as a column", () => {
    expect(issuesIn("\uFEFFextra: 1")[0]).toMatchObject({ line: 1, column: 1, frame: "1 | extra: 1\n  | ^" });
  });
});
