import { describe, expect, it } from "vitest";

import { parseEntry, type DecisionEntry } from "../../src/audit/format/entry.ts";
import { leftOutOfContext, leftOutOfPayload } from "../../src/audit/recording/left-out.ts";
import { decisionEntry, recordedEvent, type RecordingOptions } from "../../src/audit/recording/record.ts";
import { ActionEvent } from "../../src/event.ts";

const TOKEN = `ghp_${"a".repeat(36)}`;
const PLAIN = "x".repeat(70_000);

/** The entry of a call, as it is read back from a log. */
function recorded(
  payload: Record<string, unknown>,
  options: RecordingOptions = {},
  context: Record<string, unknown> = {},
): DecisionEntry {
  const event = ActionEvent.create({ actor: "a", action: "b", resource: "c", payload, context });
  const decision = { decision: "allow", reason: "policy_allow" } as const;
  const prepared = decisionEntry(recordedEvent(event, options), decision, true, "ab".repeat(32));
  const { body } = prepared.follow({ seq: 0, hash: "0".repeat(64) }, "cd".repeat(16), "2026-01-15T10:23:01.000Z");
  return parseEntry(body) as DecisionEntry;
}

describe("what was left out of a payload", () => {
  it.each<readonly [string, Record<string, unknown>, RecordingOptions, unknown]>([
    ["nothing", { a: "x", b: [1, { c: null }] }, {}, []],
    ["what only looks like it", { a: "[redacted]", b: "[redacted: npm token]", c: "[cut: 5 more characters]" }, {}, []],
    ["everything", { a: 1 }, { payload: "none" }, [{ path: [] }]],
    ["everything, when it is too large", { a: Array.from({ length: 40_000 }, () => 1) }, {}, [{ path: [] }]],
    ["a member", { a: { b: 5, c: 6 } }, { redact: ["a.b"] }, [{ path: ["a", "b"] }]],
    ["any member", { a: { k: 1 }, b: { k: 2 } }, { redact: ["*.k"] }, [{ path: ["a", "k"] }, { path: ["b", "k"] }]],
    ["of a list", { a: [{ k: 1 }, { l: 1 }] }, { redact: ["a.*.k"] }, [{ path: ["a", "0", "k"] }]],
    ["a member whose name has dots", { "a.b": 1 }, { redact: ["a.b"] }, [{ path: ["a.b"] }]],
    ["a whole mapping", { a: { b: { c: 1 } } }, { redact: ["a"] }, [{ path: ["a"] }]],
    ["nothing, when the path leads nowhere", { a: "[redacted]" }, { redact: ["b"] }, []],
    ["a secret", { a: `curl -H ${TOKEN} x`, b: "y" }, {}, [{ path: ["a"], pieces: ["curl -H ", " x"] }]],
    ["two secrets", { a: `${TOKEN} ${TOKEN}` }, {}, [{ path: ["a"], pieces: [" "] }]],
    ["what a name was", { a: { [TOKEN]: 1, b: 2 } }, {}, [{ path: ["a"] }]],
    ["what several names were", { a: { [TOKEN]: 1, [TOKEN.replaceAll("a", "b")]: 2 } }, {}, [{ path: ["a"] }]],
    ["two members", { a: { b: 5 }, c: 6 }, { redact: ["a.b", "c"] }, [{ path: ["a", "b"] }, { path: ["c"] }]],
    ["all members", { a: 1, b: null, c: 2 }, { redact: ["*"] }, [{ path: ["a"] }, { path: ["b"] }, { path: ["c"] }]],
    [
      "a member, beside what only looks like it",
      { a: "[redacted]", b: null, c: 5 },
      { redact: ["c"] },
      [{ path: ["c"] }],
    ],
    ["a member, beside half a mark", { a: "[redacted: x", c: 5 }, { redact: ["c"] }, [{ path: ["c"] }]],
    [
      "a member, beside what looks like a cut",
      { a: `${"x".repeat(1024)}[cut: 5 more characters]`, c: 5 },
      { redact: ["c"] },
      [{ path: ["c"] }],
    ],
    [
      "the end of a text, beside what looks like a secret",
      { a: `x${PLAIN}`, b: "[redacted: npm token]" },
      {},
      [{ path: ["a"], pieces: [`x${"x".repeat(1023)}`] }],
    ],
    [
      "the end of a text, beside a name that looks like a secret",
      { a: PLAIN, "[redacted: npm token]": 1 },
      {},
      [{ path: ["a"], pieces: ["x".repeat(1024)] }],
    ],
    [
      "the end of a text, beside texts that end otherwise",
      { a: PLAIN, c: "[cut: 5 more characters] x" },
      {},
      [{ path: ["a"], pieces: ["x".repeat(1024)] }],
    ],
    [
      "the end of a text with U+FFFD in it",
      { a: `\uFFFD${PLAIN}` },
      {},
      [{ path: ["a"], pieces: [`\uFFFD${"x".repeat(1023)}`] }],
    ],
    [
      "the end of a text with a bracket in it",
      { a: `x[y${PLAIN}` },
      {},
      [{ path: ["a"], pieces: [`x[y${"x".repeat(1021)}`] }],
    ],
    ["the end of a text that begins as a mark does", { a: `[redacted: ${PLAIN}` }, {}, [{ path: ["a"], pieces: [] }]],
    [
      "the end of a text that holds what looks like a mark",
      { a: `[redacted: x] ${PLAIN}` },
      {},
      [{ path: ["a"], pieces: [`[redacted: x] ${"x".repeat(1010)}`] }],
    ],
    [
      "the end of a text, through the beginning of a mark",
      { a: `${"x".repeat(1020)}[red${PLAIN}` },
      {},
      [{ path: ["a"], pieces: ["x".repeat(1020)] }],
    ],
    [
      "the end of a text",
      { a: `${"é".repeat(1024)}${PLAIN}`, b: "y" },
      {},
      [{ path: ["a"], pieces: ["é".repeat(1024)] }],
    ],
    [
      "the end of a text, through a character",
      { a: `${"x".repeat(1023)}😀${PLAIN}` },
      {},
      [{ path: ["a"], pieces: ["x".repeat(1023)] }],
    ],
    [
      "a secret, and then the end of a text through the mark of another",
      { a: `${TOKEN} ${"x".repeat(990)} ${TOKEN} ${PLAIN}` },
      {},
      [{ path: ["a"], pieces: [` ${"x".repeat(990)} `] }],
    ],
  ])("%s", (_, payload, options, expected) => {
    expect(leftOutOfPayload(recorded(payload, options))).toEqual(expected);
  });

  it("is everything when an entry says nonsense of it", () => {
    const entry = recorded({ a: 1 });
    for (const nonsense of [
      { redacted: "a" },
      { redacted: [1] },
      { payload: "a" },
      { payload: [1] },
      { payload: null },
    ]) {
      expect(leftOutOfPayload({ ...entry, ...nonsense } as never)).toEqual([{ path: [] }]);
    }
  });
});

it.each<readonly [string, object, unknown]>([
  ["a member that is there", { payload: { k: 5 }, redacted: ["k"] }, []],
  [
    "a text that ends behind the mark of a cut",
    { payload: { a: `${"x".repeat(1024)}[cut: 5 more characters]x` }, cut: 9 },
    [],
  ],
  [
    "a text that ends in the mark of a cut elsewhere",
    { payload: { a: `${"x".repeat(1024)}x[cut: 5 more characters]` }, cut: 9 },
    [],
  ],
])("an entry that says it of %s leaves nothing out", (_name, members, expected) => {
  expect(leftOutOfPayload({ ...recorded({ a: 1 }), ...members })).toEqual(expected);
});

describe("what was left out of a context", () => {
  it("is everything when an entry says nonsense of it", () => {
    for (const context of ["a", [1], null, 7]) {
      expect(leftOutOfContext({ ...recorded({}), context } as never)).toEqual([{ path: [] }]);
    }
    expect(leftOutOfContext({ ...recorded({}), contextCut: 9 })).toEqual([{ path: [] }]);
    expect(
      leftOutOfContext({ ...recorded({}), context: { a: `${"x".repeat(1024)}[cut: 5 more characters]` } }),
    ).toEqual([]);
  });

  it.each<readonly [string, Record<string, unknown>, unknown]>([
    ["nothing", {}, []],
    ["nothing of what was said", { tenant: "a", list: [1] }, []],
    ["a secret", { tenant: `a ${TOKEN}` }, [{ path: ["tenant"], pieces: ["a "] }]],
    [
      "the end of a text",
      { note: `${"y".repeat(1024)}${PLAIN}`, tenant: "a" },
      [{ path: ["note"], pieces: ["y".repeat(1024)] }],
    ],
    ["everything, when it is too large", { a: Array.from({ length: 40_000 }, () => 1) }, [{ path: [] }]],
  ])("%s", (_, context, expected) => {
    expect(leftOutOfContext(recorded({}, {}, context))).toEqual(expected);
  });
});
