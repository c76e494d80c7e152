import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { verifyLog } from "../../src/audit/verify.ts";
import { putLog } from "./both-verifiers.ts";
import { temporaryDirectory } from "./sample-log.ts";
import * as tampered from "./tampered-logs.ts";

const NOT_THE_SAME = "it is there twice, and the two are not the same";
const NOT_READABLE = "Audit log <audit.db>: not a CapFence log, or its tables were changed";
const FIRST_LINE = "the first line of the tail is damaged";
const NOT_A_BEGINNING = "what follows its last line in the tail is not the beginning of one";
const CHANGED_END = "the end of its line in the tail was changed";
const HALF = "it is missing in one of the parts that hold it";

/** Every way to tamper, by its name in its table, and all that is said of it. */
const SAID: readonly (readonly [
  name: string,
  table: () => tampered.Table | Promise<tampered.Table>,
  said: Readonly<Record<string, readonly string[]>>,
])[] = [
  [
    "rows",
    tampered.rows,
    {
      "DELETE FROM entries WHERE seq = 0": ["0: entries 0 to 0 are missing, and no later entry names them"],
      "DELETE FROM entries WHERE seq < 3": ["2: entries 0 to 2 are missing, and no later entry names them"],
      "DELETE FROM entries WHERE seq = 2": ["2: it is missing"],
      "DELETE FROM entries WHERE seq IN (2, 3)": ["2: entries 2 to 3 are missing"],
      "DELETE FROM entries": ["it has no entries"],
      "UPDATE entries SET seq = 99 WHERE seq = 2": [
        "2: it is missing",
        "5: entries 5 to 98 are missing",
        "99: it says of itself that it is entry 2",
      ],
      "UPDATE entries SET seq = -seq - 1 WHERE seq = 3": [
        "-4: it says of itself that it is entry 3",
        "-3: entries -3 to -1 are missing",
        "3: it is missing",
      ],
    },
  ],
  [
    "values",
    tampered.values,
    {
      "another hash": ["2: its text and its hash do not agree"],
      "another body": ["2: its text and its hash do not agree"],
      "another kind": ["2: its column kind does not agree with its text"],
      "another decision_seq": ["2: its column decision_seq does not agree with its text"],
      "a byte order mark before agent_id": ["2: one of its columns does not agree with its text"],
    },
  ],
  [
    "files",
    tampered.files,
    {
      "DROP VIEW decisions": [NOT_READABLE],
      'the text "" (0)': ["Audit log <audit.db>: the file is empty"],
      'the text "hello" (5)': ["Audit log <audit.db>: not a readable SQLite file (file is not a database)"],
      "pages that lead to the same rows again and again": [
        "the structure of <audit.db> is damaged (*** in database main ***\nTree 2 page 4 cell 679: Rowid 9 out of order)",
        "Audit log <audit.db>: its rows are not in order",
      ],
      "-wal": ["<audit.db-wal> would make other SQLite readers see something else"],
      "-journal": ["<audit.db-journal> would make other SQLite readers see something else"],
      "a tail without its database": ["Audit log <audit.db>: the file is missing, but its tail is there"],
    },
  ],
  [
    "entries",
    tampered.entries,
    {
      "one in the middle": ["3: it is not the entry that entry 4 was recorded after"],
      "the last becomes one of the kind genesis": ["4: a log begins with one genesis entry, and has no other"],
      "the last becomes one of the kind outcome": ["4: it names no decision"],
      "the last becomes one of the kind note": ["4: its kind is not known"],
      "another v in the last": ["4: its format, 2, is not known"],
      "another log in the last": ["4: it belongs to another log"],
      "another seq in the last": ["4: it says of itself that it is entry 5"],
      "another prev in the last": ["3: it is not the entry that entry 4 was recorded after"],
      "a genesis entry that follows something": ["0: a genesis entry follows nothing"],
      'a decision authorized by "null" (4)': ["4: it does not say whether the call was let through"],
    },
  ],
  [
    "tails",
    tampered.tails,
    {
      "an empty line": [
        "2: its text and its hash do not agree",
        "3: it says of itself that it is entry 2",
        "4: it says of itself that it is entry 3",
        "5: it says of itself that it is entry 4",
      ],
      "no first line": [FIRST_LINE],
      "nothing in it": [FIRST_LINE],
      "nothing but a first line, beside a database without rows": ["it has no entries"],
      "beside a database without rows": ["0: entries 0 to 0 are missing, and no later entry names them"],
      "a changed line feed at the end": [`4: ${CHANGED_END}`],
      "a whole line and more at its end": [`4: ${CHANGED_END}`],
      "a whole line of another text at its end": [`4: ${CHANGED_END}`],
      "words at its end": [`4: ${NOT_A_BEGINNING}`],
      "the tail of another log, folded": [
        "the tail belongs to another log",
        "0: the tail follows another entry than the one in the database",
        `1: ${NOT_THE_SAME}`,
        `2: ${NOT_THE_SAME}`,
        `3: ${NOT_THE_SAME}`,
        `4: ${NOT_THE_SAME}`,
      ],
      "nothing but a first line that follows another entry": [
        "4: the tail follows another entry than the one in the database",
      ],
    },
  ],
  [
    "segments",
    tampered.segments,
    {
      "one in the middle removed": ["5: entries 5 to 9 are missing", "0: no entry names the segment <log.0>"],
      "changed in a column": [
        "6: its column agent_id does not agree with its text",
        "14: the segment <log.5> is not the file that this entry names",
      ],
      "without its last row": ["9: it is missing", "14: the segment <log.5> is not the file that this entry names"],
      longer: ["14: the segment <log.5> is not the file that this entry names"],
      "with a journal": ["<audit.db.log.5-journal> would make other SQLite readers see something else"],
      empty: [
        "Audit log <audit.db.log.5>: the file is empty",
        "5: entries 5 to 9 are missing",
        "14: the segment <log.5> is not the file that this entry names",
        "0: no entry names the segment <log.0>",
      ],
      "beside a damaged database alone": [NOT_READABLE],
      "beside a damaged database": [
        NOT_READABLE,
        `19: ${HALF}`,
        "20: entries 20 to 22 are missing",
        "15: no entry names the segment <log.15>",
      ],
      "not yet named": [],
      "not yet named, and the last rows are in the segment only": [`3: ${HALF}`],
      "not yet named, and some rows are in the segment only": [`2: ${HALF}`],
      "not yet named, and the first rows are in the segment only": [
        `1: ${HALF}`,
        "0: no entry names the segment <log.0>",
      ],
      "never named": ["0: no entry names the segment <log.0>", "2: no entry names the segment <log.2>"],
      "named with another last": ["22: the segment <log.15> is not the file that this entry names"],
      "named with another head": ["20: it does not follow the segment that entry 22 names"],
    },
  ],
];

describe("verification says, of a log", () => {
  it.each(SAID)("in the table of %s, all that is wrong and nothing else", async (_name, table, expected) => {
    const directory = temporaryDirectory();
    const { each } = await table();
    const found: Record<string, readonly string[]> = {};
    for (const [index, { name, files }] of each.entries()) {
      if (!Object.hasOwn(expected, name)) continue;
      const path = putLog(join(directory, String(index)), files());
      const { problems } = await verifyLog(path);
      found[name] = problems.map(
        ({ seq, what }) => `${seq === undefined ? "" : `${seq}: `}${withoutPlace(what, path)}`,
      );
    }
    expect(found).toEqual(expected);
  });
});

/** Without the directory and the log's identity, which differ from run to run. */
function withoutPlace(what: string, path: string): string {
  return what
    .replaceAll(new RegExp(`${join(path, "..")}/([^ :]+)`, "g"), "<$1>")
    .replaceAll(/audit\.db\.[0-9a-f]{8}\.(\d+)(?![^<]*>)/g, "<log.$1>")
    .replaceAll(/audit\.db\.[0-9a-f]{8}\./g, "audit.db.log.");
}
