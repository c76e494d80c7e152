import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { generateKeys, parseSignerKey, signNote } from "../../src/note.ts";
import { Workplace } from "../cli/captured-host.ts";
import { checkpointOf, hasOpenssl, pythonForEach, type Answer } from "./both-verifiers.ts";
import { sampleFiles } from "./sample-log.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

const { closed } = await sampleFiles();
put("audit.db", closed);
const keys = generateKeys("witness");
const signer = parseSignerKey(keys.signer);
const good = checkpointOf(place.path("audit.db"), 5, signer);
const text = good.slice(0, good.indexOf("\n\n") + 1);
put("good", good);

function put(name: string, content: Uint8Array | string): string {
  writeFileSync(place.path(name), content);
  return name;
}

type Line = readonly [name: string, line: readonly string[], code: number];

let files = 0;

/** A command line with this checkpoint and this key. */
function held(name: string, note: string | Uint8Array, key: string, code: number): Line {
  files += 1;
  return [name, ["audit.db", "--checkpoint", put(`checkpoint ${files}`, note), "--vkey", key], code];
}

/** A command line with a file that holds this key. */
function withKeyFile(name: string, content: string | Uint8Array, code: number): Line {
  files += 1;
  return [name, ["audit.db", "--checkpoint", "good", "--vkey", put(`key ${files}`, content)], code];
}

/** The good checkpoint with the signature of somebody whose key nobody has. */
function withForeign(name: string | Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`${good}— `),
    Buffer.from(name),
    Buffer.from(` ${Buffer.alloc(68).toString("base64")}\n`),
  ]);
}

/** A key with any name, and the checkpoint that it signed. */
function signedAs(name: string): { readonly key: string; readonly note: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.concat([Buffer.of(1), publicKey.export({ format: "der", type: "spki" }).subarray(12)]);
  const id = createHash("sha256").update(`${name}\n`).update(raw).digest().subarray(0, 4);
  const signature = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString("base64");
  return {
    key: `${name}+${id.toString("hex")}+${raw.toString("base64")}`,
    note: `${text}\n— ${name} ${signature}\n`,
  };
}

// What is a space, or a control character, to one language, to Unicode, or to nobody.
const SPACES = " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2028\u202f\u205f\u3000".split("");
const CONTROLS = "\u0001\u001b\u001c\u001f".split("");
const OTHERS = "\u007f\u0080\u180e\u200b\u2060\ufeff".split("");
// Left out around a key.
const AROUND = " \t\r\n".split("");
const hyphen = signedAs("-k");

const LINES: readonly Line[] = [
  ...[...SPACES, ...CONTROLS, ...OTHERS].flatMap((letter) => {
    const isOther = OTHERS.includes(letter);
    const isRefused = CONTROLS.includes(letter) || "\t\v\f\r".includes(letter);
    const around = AROUND.includes(letter) ? 0 : 1;
    const own = signedAs(`wit${letter}ness`);
    return [
      held(
        `${shown(letter)} in the name of a stranger's key`,
        withForeign(`some${letter}body`),
        keys.verifier,
        isOther ? 0 : 3,
      ),
      held(`${shown(letter)} in the name of a key`, own.note, own.key, isOther ? 0 : SPACES.includes(letter) ? 1 : 3),
      held(
        `${shown(letter)} in the text`,
        signNote(
          `${text}a${letter}b
`,
          signer,
        ),
        keys.verifier,
        isRefused ? 3 : 0,
      ),
      held(`${shown(letter)} before a key`, good, `${letter}${keys.verifier}`, around),
      held(`${shown(letter)} behind a key`, good, `${keys.verifier}${letter}`, around),
      withKeyFile(`${shown(letter)} before a key in a file`, `${letter}${keys.verifier}`, around),
      withKeyFile(`${shown(letter)} behind a key in a file`, `${keys.verifier}${letter}`, around),
    ];
  }),
  ...["ff", "eda080", "c080"].flatMap((hex) => [
    held(`${hex}, which is not UTF-8, in a stranger's name`, withForeign(Buffer.from(hex, "hex")), keys.verifier, 1),
    withKeyFile(`${hex}, which is not UTF-8, in a key's file`, Buffer.from(hex, "hex"), 1),
  ]),
  held("a checkpoint of 1 MiB", padded(1_048_576), keys.verifier, 0),
  held("a checkpoint of more than 1 MiB", padded(1_048_577), keys.verifier, 1),
  held("no checkpoint, and more than 1 MiB", "x".repeat(1_048_577), keys.verifier, 1),
  withKeyFile("a key and then more than 1 MiB", `${keys.verifier}${"\n".repeat(1_048_576)}`, 1),
  held("a key whose name begins with a hyphen", hyphen.note, hyphen.key, 0),
  held("a private key behind a blank", good, ` ${keys.signer}`, 2),
  held("no key", good, "", 2),
  ["a checkpoint without a name", ["audit.db", "--checkpoint", "", "--vkey", keys.verifier], 2],
  ["a checkpoint without anything in it", ["audit.db", "--checkpoint", "/dev/null", "--vkey", keys.verifier], 3],
  ["a log without a name", [""], 2],
  ...["0", "00", "05", "-1", "+1", "1e3", "1.0", "", " 5", "5\n", "\u0665", "NaN", "1000000000000000"].map(
    (size): Line => [`the least size ${JSON.stringify(size)}`, ["audit.db", "--min-size", size], 2],
  ),
  ["a least size that no log has", ["audit.db", "--min-size", "999999999999999"], 3],
  ["half the name of an option", ["audit.db", "--min", "1"], 2],
];

function padded(bytes: number): string {
  const length = Buffer.byteLength(signNote(`${text}\n`, signer));
  return signNote(`${text}${"x".repeat(bytes - length)}\n`, signer);
}

function shown(letter: string): string {
  return `U+${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

describe.skipIf(!hasOpenssl)("of keys and checkpoints, the independent verifier (needs python3 and openssl 3)", () => {
  let answers: readonly Answer[] = [];
  beforeAll(() => {
    answers = pythonForEach(
      LINES.map(([, line]) => line),
      place.directory,
    );
  });

  it.each(LINES.map((line, index) => [...line, index] as const))(
    "thinks as ours does: %s",
    async (_name, [log = "", ...options], code, index) => {
      const theirs = answers[index];
      const ours = await place.run(["verify", "--audit-log", log, ...options]);
      expect([theirs?.code, ours.code]).toEqual([code, code]);
      expect(theirs?.stderr).not.toContain(keys.signer);
      expect(ours.stderr).not.toContain(keys.signer);
    },
  );
});
