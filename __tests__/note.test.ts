import { createHash } from "node:crypto";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { generateKeys, openNote, parseSignerKey, parseVerifierKey, signNote } from "../src/note.ts";

// Two keys and a note that both have signed, from the examples of Go's golang.org/x/mod/sumdb/note.
const PETER = {
  signer: "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
  verifier: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
};
const ENOCH = {
  signer: `PRIVATE+KEY+EnochRoot+af0cfe78+AQ${"A".repeat(42)}`,
  verifier: "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
};
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const BY_PETER =
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const BY_ENOCH =
  "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

const peter = parseVerifierKey(PETER.verifier);
const enoch = parseVerifierKey(ENOCH.verifier);
const stranger = parseVerifierKey(generateKeys("stranger").verifier);

/** The text of a key with these bytes, the id computed here. */
function keyText(name: string, publicKey: string, key: string, prefix = ""): string {
  const id = createHash("sha256").update(`${name}\n\u0001`).update(Buffer.from(publicKey, "hex")).digest("hex");
  return `${prefix}${name}+${id.slice(0, 8)}+${Buffer.from(`01${key}`, "hex").toString("base64")}`;
}

describe("known answers", () => {
  it("are what Go signs with the same keys", () => {
    expect(signNote(TEXT, parseSignerKey(PETER.signer))).toBe(`${TEXT}\n${BY_PETER}`);
    expect(signNote(TEXT, parseSignerKey(ENOCH.signer))).toBe(`${TEXT}\n${BY_ENOCH}`);
  });

  it("are opened as Go opens them", () => {
    expect(openNote(`${TEXT}\n${BY_PETER}${BY_ENOCH}`, [peter, enoch])).toEqual({
      text: TEXT,
      signedBy: ["PeterNeumann", "EnochRoot"],
    });
  });

  // RFC 8032, section 7.1, tests 1 to 3: secret and public key.
  it.each([
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ],
    [
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    ],
  ])("of RFC 8032: the secret key %s belongs to its public key", (secret, known) => {
    const signer = parseSignerKey(keyText("rfc", known, secret, "PRIVATE+KEY+"));
    const verifier = parseVerifierKey(keyText("rfc", known, known));
    expect(openNote(signNote(TEXT, signer), [verifier]).signedBy).toEqual(["rfc"]);
  });
});

describe("a note", () => {
  it("signed by several is signed by those whose keys are given; the others are passed over", () => {
    const both = `${TEXT}\n${BY_PETER}${BY_ENOCH}`;
    expect(openNote(both, [enoch]).signedBy).toEqual(["EnochRoot"]);
    expect(openNote(both, [stranger, peter]).signedBy).toEqual(["PeterNeumann"]);
    expect(openNote(`${TEXT}\n${BY_ENOCH}${BY_PETER}`, [peter, enoch]).signedBy).toEqual(["EnochRoot", "PeterNeumann"]);
  });

  it("signed twice by one names it once", () => {
    expect(openNote(`${TEXT}\n${BY_PETER}${BY_PETER}`, [peter]).signedBy).toEqual(["PeterNeumann"]);
  });

  it("is opened with the former and the present key of a name that was given a new one", () => {
    const [former, present] = [generateKeys("host"), generateKeys("host")];
    const keys = [former, present].map(({ verifier }) => parseVerifierKey(verifier));
    const signers = [former, present].map(({ signer }) => parseSignerKey(signer));
    for (const signer of signers) expect(openNote(signNote(TEXT, signer), keys).signedBy).toEqual(["host"]);
    const [first = "", second = ""] = signers.map((signer) => signNote(TEXT, signer).slice(TEXT.length + 1));
    expect(openNote(`${TEXT}\n${first}${second}`, keys).signedBy).toEqual(["host"]);
    // Known keys must all have signed rightly, of whatever name.
    const wrong = signNote("Other text\n", parseSignerKey(present.signer)).slice("Other text\n".length + 1);
    expect(() => openNote(`${TEXT}\n${first}${wrong}`, keys)).toThrow("the signature of host is wrong");
    expect(openNote(`${TEXT}\n${first}${wrong}`, keys.slice(0, 1)).signedBy).toEqual(["host"]);
  });

  it("may have empty lines in its text", () => {
    const { signer, verifier } = generateKeys("k");
    const text = "a\n\n\nb\n\n";
    expect(openNote(signNote(text, parseSignerKey(signer)), [parseVerifierKey(verifier)]).text).toBe(text);
  });

  const [dash, name, encoded = ""] = BY_PETER.trimEnd().split(" ");
  it.each<[string, string, string]>([
    ["nothing", "", "not a signed note"],
    ["text alone", TEXT, "not a signed note"],
    ["a signature without an empty line", `${TEXT}${BY_PETER}`, "not a signed note"],
    ["no signature line", `${TEXT}\n`, "malformed"],
    ["an unfinished last line", `${TEXT}\n${BY_PETER.trimEnd()}`, "not a signed note"],
    ["line ends of another system", `${TEXT}\n${BY_PETER}`.replaceAll("\n", "\r\n"), "not a signed note"],
    ["an empty line behind", `${TEXT}\n${BY_PETER}\n`, "malformed"],
    ["text behind", `${TEXT}\n${BY_PETER}more\n`, "malformed"],
    ["a hyphen for the dash", `${TEXT}\n- ${name} ${encoded}\n`, "malformed"],
    ["no name", `${TEXT}\n${dash} ${encoded}\n`, "malformed"],
    ["a name with a plus", `${TEXT}\n${dash} ${name}+ ${encoded}\n`, "malformed"],
    ["two spaces", `${TEXT}\n${dash} ${name}  ${encoded}\n`, "malformed"],
    ["a space behind", `${TEXT}\n${dash} ${name} ${encoded} \n`, "malformed"],
    ["no signature", `${TEXT}\n${dash} ${name}\n`, "malformed"],
    ["an empty signature", `${TEXT}\n${dash} ${name} \n`, "malformed"],
    ["a signature of nothing but an id", `${TEXT}\n${dash} ${name} x08gow==\n`, "malformed"],
    ["another alphabet", `${TEXT}\n${dash} ${name} ${encoded.replaceAll("/", "_")}\n`, "malformed"],
    ["base64 without its end", `${TEXT}\n${dash} ${name} ${encoded.replace("=", "")}\n`, "malformed"],
    ["base64 with other unused bits", `${TEXT}\n${dash} ${name} ${encoded.replace("M=", "N=")}\n`, "malformed"],
    ["a malformed line behind a good one", `${TEXT}\n${BY_PETER}${dash} x\n`, "malformed"],
    ["another text", `${TEXT.replace("answer", "Answer")}\n${BY_PETER}`, "the signature of PeterNeumann is wrong"],
    ["a line more of text", `${TEXT}more\n\n${BY_PETER}`, "the signature of PeterNeumann is wrong"],
    ["an empty line more", `${TEXT}\n\n${BY_PETER}`, "the signature of PeterNeumann is wrong"],
    ["a signature too short", `${TEXT}\n${dash} ${name} ${encoded.slice(0, 80)}\n`, "is wrong"],
    ["a signature too long", `${TEXT}\n${dash} ${name} ${encoded.slice(0, 88)}AAAA${encoded.slice(88)}\n`, "is wrong"],
    ["another's name", `${TEXT}\n${BY_PETER.replace("PeterNeumann", "Peter")}`, "none of the given keys"],
    ["another's id", `${TEXT}\n${BY_PETER.replace("x08go", "x08gp")}`, "none of the given keys"],
    ["a stranger's signature", `${TEXT}\n${BY_ENOCH}`, "none of the given keys"],
  ])("with %s is refused", (_name, note, message) => {
    expect(() => openNote(note, [peter])).toThrow(TypeError);
    expect(() => openNote(note, [peter])).toThrow(message);
  });

  it("is refused when no keys are given", () => {
    expect(() => openNote(`${TEXT}\n${BY_PETER}`, [])).toThrow("none of the given keys");
  });

  it.each(["", "no line feed", "\nno line feed at the end"])("to be signed ends in a line feed: %j", (text) => {
    expect(() => signNote(text, parseSignerKey(PETER.signer))).toThrow(TypeError);
  });
});

describe("a key's text", () => {
  const bare = PETER.signer.slice("PRIVATE+KEY+".length);
  it.each([
    ["nothing", ""],
    ["a verifying key", PETER.verifier],
    ["no name", PETER.signer.replace("PeterNeumann", "")],
    ["another name", PETER.signer.replace("Peter", "Paul")],
    ["another id", PETER.signer.replace("c74f20a3", "c74f20a4")],
    ["its id in capitals", PETER.signer.replace("c74f20a3", "C74F20A3")],
    ["no beginning", bare],
    ["half a beginning", `KEY+${bare}`],
    ["another type of key", PETER.signer.replace("+AY", "+AoE")],
    ["a key too short", PETER.signer.slice(0, -4)],
    ["a key too long", `${PETER.signer}AAAA`],
    ["another key", PETER.signer.replace("KDFz", "KDF0")],
    ["two lines", `${PETER.signer}\n${PETER.signer}`],
    ["something behind", `${PETER.signer} x`],
  ])("that signs is refused with %s, and not repeated", (_name, text) => {
    expect(() => parseSignerKey(text)).toThrow(TypeError);
    expect(() => parseSignerKey(text)).toThrow(/^not a signing key\. One begins with PRIVATE\+KEY\+ and is made by/);
  });

  it.each([
    ["nothing", ""],
    ["a signing key", PETER.signer],
    ["no name", PETER.verifier.replace("PeterNeumann", "")],
    ["a name with a space", PETER.verifier.replace("PeterN", "Peter N")],
    ["another name", PETER.verifier.replace("Peter", "Paul")],
    ["another id", PETER.verifier.replace("c74f20a3", "c74f20a4")],
    ["another type of key", PETER.verifier.replace("+AR", "+Ah")],
    ["a key too short", PETER.verifier.slice(0, -4)],
    ["a key too long", `${PETER.verifier}AAAA`],
    ["base64 with an end too many", `${PETER.verifier}=`],
    ["another key", PETER.verifier.replace("10TW", "10TX")],
    ["two lines", `${PETER.verifier}\n${PETER.verifier}`],
  ])("that verifies is refused with %s", (_name, text) => {
    expect(() => parseVerifierKey(text)).toThrow(TypeError);
    expect(() => parseVerifierKey(text)).toThrow("not a verifying key");
  });

  it("may stand between spaces and line feeds, as in a file", () => {
    expect(parseSignerKey(`\n ${PETER.signer}\n`).name).toBe("PeterNeumann");
    expect(parseVerifierKey(`${PETER.verifier}\r\n`).id).toBe(0xc74f20a3);
  });

  it.each(["", " ", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003b", "a\u0085b", "a\u0000b", "a\u001bb", "\ud800"])(
    "is not made for the name %j",
    (name) => {
      expect(() => generateKeys(name)).toThrow(TypeError);
    },
  );

  it("is not made for a name of more than 256 characters", () => {
    expect(() => generateKeys("a".repeat(257))).toThrow(TypeError);
    expect(parseVerifierKey(generateKeys("a".repeat(256)).verifier).name).toHaveLength(256);
  });
});

describe("every pair of keys that is made", () => {
  const names = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
    .filter((name) => /^[^\s+\p{C}]+$/u.test(name));
  const texts = fc.string({ unit: "grapheme" }).map((text) => `${text}\n`);

  it("signs what it opens, and nothing else", () => {
    fc.assert(
      fc.property(names, texts, fc.nat(), (name, text, at) => {
        const { signer, verifier } = generateKeys(name);
        const keys = [parseVerifierKey(verifier)];
        const note = signNote(text, parseSignerKey(signer));
        expect(openNote(note, keys)).toEqual({ text, signedBy: [name] });
        expect(() => openNote(note, [stranger])).toThrow(TypeError);
        const bytes = Buffer.from(note);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ 1;
        expect(() => openNote(bytes.toString("utf8"), keys)).toThrow(TypeError);
      }),
      { numRuns: 200 },
    );
  });
});
