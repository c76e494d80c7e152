import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

import { afterAll, describe, expect, it } from "vitest";

import { TraceInvalidError } from "../../src/errors.ts";
import { Policy } from "../../src/policy/policy.ts";
import { pythonJson } from "../../src/replay/python-json.ts";
import { changes, Records, replayAll } from "./recorded-logs.ts";

const records = new Records();
afterAll(() => records[Symbol.dispose]());

interface Case {
  readonly id: string;
  readonly policy: string;
  readonly trace?: readonly object[];
  readonly trace_text?: string;
  readonly quirk?: string;
  readonly expect: {
    readonly error?: string;
    readonly results?: readonly { readonly decision: string; readonly reason: string; readonly differs: boolean }[];
  };
}

/** Cases that are answered otherwise, on purpose. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "h-replay-040":
    "what a policy decides is compared, not whether a grant or an approval let the call through all the same",
};

const cases = readFileSync("__tests__/fixtures/conformance/open.jsonl", "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case & { readonly surface?: string })
  .filter(({ surface }) => surface === "replay");

function traceOf({ id, trace: given = [], trace_text: text }: Case): string {
  const path = records.path(`${id}.jsonl`);
  writeFileSync(path, text ?? given.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
}

/** The results in the words of the cases; `trace_invalid` when it is refused. */
async function answer(each: Case, waiveChecksum: boolean): Promise<unknown> {
  try {
    const { calls } = await replayAll(traceOf(each), Policy.parse(each.policy), { waiveChecksum });
    return calls.map(({ change, new: now }) => ({
      decision: now?.decision,
      reason: now?.reason,
      differs: change !== "none",
    }));
  } catch (error) {
    if (TraceInvalidError.isInstance(error)) return "trace_invalid";
    throw error;
  }
}

/** What is expected, in the words of {@link answer}. */
function expectedOf({ expect: { error, results = [] } }: Case): unknown {
  return error ?? results.map(({ decision, reason, differs }) => ({ decision, reason, differs }));
}

describe("conformance with the original's replay", () => {
  const strict = cases.filter(({ quirk }) => quirk === undefined);

  it.each(strict.filter(({ id }) => !Object.hasOwn(DIFFERENCES, id)).map((each) => [each.id, each] as const))(
    "%s",
    async (_, each) => {
      expect(await answer(each, true)).toEqual(expectedOf(each));
    },
  );

  it("differs only where a difference is listed", async () => {
    const differing: string[] = [];
    for (const each of strict) {
      if (!isDeepStrictEqual(await answer(each, true), expectedOf(each))) differing.push(each.id);
    }
    process.stdout.write(
      `conformance of replay: ${strict.length - differing.length} of ${strict.length} agree, ` +
        `${differing.length} differ on purpose, ${cases.length - strict.length} are quirks\n`,
    );
    expect(differing).toEqual(Object.keys(DIFFERENCES));
    expect(strict.length).toBeGreaterThan(15);
  });

  it("refuses every trace without a checksum, unless that is waived", async () => {
    const unsigned = cases.filter(({ trace: [header] = [] }) => header !== undefined && !("checksum" in header));
    expect(unsigned.length).toBeGreaterThan(8);
    for (const each of unsigned) expect(await answer(each, false)).toBe("trace_invalid");
  });

  it("refuses a checksum that says nothing, which the original took for none", async () => {
    const holes = cases.filter(({ quirk }) => quirk === "replay_checksum_optional");
    expect(holes.length).toBeGreaterThan(1);
    for (const each of holes) expect(await answer(each, true)).toBe("trace_invalid");
  });
});

const EVENTS = [
  { actor: "bot", action: "read", resource: "fs", decision: "PASS" },
  { actor: "boté", action: "delete", resource: "fs", payload: { z: 1.5, a: "\u{1f600}" }, decision: "pass" },
  { actor: "bot", action: "send", resource: "pay" },
];

/** The checksum of one event. */
function checksumOf(text: string): string {
  return createHash("sha256")
    .update(`[${pythonJson(text)}]`)
    .digest("hex")
    .slice(0, 8);
}

/** A trace of {@link EVENTS}, or of others, whose checksum is that of the events. */
function trace(events: readonly object[] = EVENTS, header: object = {}): readonly string[] {
  const lines = events.map((event) => JSON.stringify(event));
  const checksum = createHash("sha256")
    .update(`[${lines.map(pythonJson).join(", ")}]`)
    .digest("hex")
    .slice(0, 8);
  return [JSON.stringify({ capfence_replay_version: "1.0", checksum, ...header }), ...lines];
}

function written(name: string, lines: readonly string[]): string {
  const path = records.path(`${name}.jsonl`);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

const POLICY = Policy.parse("allow: [fs.read]\nrequire_approval: [pay.send]\ndeny: [fs.delete]\n");

describe("a trace of the original", () => {
  it("with the checksum of its events is replayed", async () => {
    const { calls, end } = await replayAll(written("whole", trace()), POLICY);
    expect(changes(calls)).toEqual([
      "line 2 none allow→allow",
      "line 3 decision allow→deny",
      "line 4 none require_approval→require_approval",
    ]);
    expect(end).toEqual({ checksum: "right" });
  });

  it("may be narrowed to an agent or a capability", async () => {
    const path = written("narrowed", trace());
    expect((await replayAll(path, POLICY, { agent: "boté" })).calls.map(({ name }) => name)).toEqual(["line 3"]);
    expect((await replayAll(path, POLICY, { capability: "pay" })).calls.map(({ name }) => name)).toEqual(["line 4"]);
  });

  it("has the checksum of independent cases", async () => {
    // From the conformance cases: of one event that is refused for another reason, and of one in capital letters.
    expect(checksumOf('{"actor":"bot","action":"read","resource":"fs","actor_note":"x"}')).toBe("e369b631");
    expect(checksumOf('{"resource":"fs","action":"read","actor":"bot\\u00e9"}')).toBe("fd19c7d3");
  });

  const [header = "", first = "", second = "", third = ""] = trace();
  it.each<readonly [string, readonly string[], number, RegExp]>([
    ["a changed event", [header, first.replace("read", "send"), second, third], 4, /the checksum is not that/],
    ["an event less", [header, first, second], 3, /the checksum is not that/],
    ["an event more", [header, first, second, third, third], 5, /the checksum is not that/],
    ["no checksum", trace(EVENTS, { checksum: undefined }), 4, /has no checksum/],
    ["a checksum that is no text", trace(EVENTS, { checksum: 5 }), 4, /the checksum is not that/],
    ["a newer version", trace(EVENTS, { capfence_replay_version: "2.0" }), 1, /version of the trace is "2\.0"/],
    ["events in its first line", trace([], { events: EVENTS }), 1, /the events must follow/],
    ["more in its first line", trace(EVENTS, { chekcsum: "" }), 1, /"chekcsum" is no field/],
    ["nothing in it", [], 1, /it is empty/],
    ["an unknown field", trace([{ ...EVENTS[0], actor_note: "x" }]), 2, /"actor_note" is no field/],
    ["an unknown decision", trace([{ ...EVENTS[0], decision: "perhaps" }]), 2, /"perhaps" is no decision/],
    ["an unknown risk", trace([{ ...EVENTS[0], risk: "severe" }]), 2, /"severe" is no risk/],
    ["an event without an actor", trace([{ action: "read", resource: "fs" }]), 2, /actor must be a non-empty string/],
    ["metadata that is none", trace([{ ...EVENTS[0], metadata: "x" }]), 2, /metadata must be an object/],
    ["an event without end", [header, `{"payload":${"[".repeat(5_000)}${"]".repeat(5_000)}}`], 2, /nested too deeply/],
    ["no first line", [first, second], 1, /the first line of neither an export nor a trace/],
    ["a line that is no JSON", [header, first, "{", third], 3, /it is not JSON/],
    ["a line that is no object", [header, first, "5", third], 3, /it is not a JSON object/],
    [
      "a huge line",
      [header, JSON.stringify({ ...EVENTS[0], payload: { a: "x".repeat(5_000_000) } })],
      2,
      /longer than/,
    ],
  ])("with %s is refused", async (name, lines, line, message) => {
    const path = written(name, lines);
    const error: unknown = await replayAll(path, POLICY).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ERR_TRACE_INVALID", path, line, message: expect.stringMatching(message) });
  });

  it("without a checksum says that this was waived", async () => {
    const path = written("unsigned", trace(EVENTS, { checksum: undefined }));
    const { calls, end } = await replayAll(path, POLICY, { waiveChecksum: true });
    expect(calls).toHaveLength(3);
    expect(end).toEqual({ checksum: "waived" });
  });

  it.each([{ since: 0 }, { until: Date.parse("2027-01-01") }])("is not narrowed to a time: %j", async (options) => {
    const narrowed = replayAll(written("times", trace()), POLICY, options);
    await expect(narrowed).rejects.toThrow(TypeError);
    await expect(narrowed).rejects.toThrow(/does not say when/);
  });

  it("with a wrong checksum is refused even if a missing one would be waived", async () => {
    const path = written("waived", trace(EVENTS, { checksum: "00000000" }));
    await expect(replayAll(path, POLICY, { waiveChecksum: true })).rejects.toBeInstanceOf(TraceInvalidError);
  });
});

describe("JSON as Python writes it", () => {
  // What `json.dumps(json.loads(text), sort_keys=True)` of CPython 3 makes of them.
  it.each([
    ['{"b":1,"a":[ ] ,"c":{ }}', '{"a": [], "b": 1, "c": {}}'],
    [
      "[1.0,1.50,-0,-0.0,1E5,123456789012345678901234567890]",
      "[1.0, 1.5, 0, -0.0, 100000.0, 123456789012345678901234567890]",
    ],
    ["[1e16,9999999999999998.0,0.0001,0.00001,1e-7]", "[1e+16, 9999999999999998.0, 0.0001, 1e-05, 1e-07]"],
    [
      "[5e-324,1.7976931348623157e308,1e400,-1e400,192.11062622070312]",
      "[5e-324, 1.7976931348623157e+308, Infinity, -Infinity, 192.11062622070312]",
    ],
    ['["\\u00e9\\u007f\\n\\/\\ud83d\\ude00 \u{1f600}"]', '["\\u00e9\\u007f\\n/\\ud83d\\ude00 \\ud83d\\ude00"]'],
    ['{"\u{1f600}":1,"\\uffff":2,"a":3,"a":4}', '{"a": 4, "\\uffff": 2, "\\ud83d\\ude00": 1}'],
    ['[true,false,null,"",[[]]]', '[true, false, null, "", [[]]]'],
  ])("%s", (text, expected) => {
    expect(pythonJson(text)).toBe(expected);
  });

  it("is not followed without end", () => {
    expect(() => pythonJson(`${"[".repeat(10_000)}${"]".repeat(10_000)}`)).toThrow(RangeError);
  });
});
