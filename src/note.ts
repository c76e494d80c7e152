/**
 * Signed notes and their Ed25519 keys, as C2SP specifies them (c2sp.org/signed-note) and Go's
 * golang.org/x/mod/sumdb/note reads them: text, an empty line, and a line for each signature,
 * `— <key name> <base64 of key id and signature>`.
 */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  KeyObject,
  sign,
  verify,
} from "node:crypto";

/** A key that signs. Its text is `PRIVATE+KEY+<name>+<id>+<base64>`; keep it out of the log's directory. */
export interface SignerKey {
  readonly name: string;
  readonly id: number;
  readonly privateKey: KeyObject;
}

/** A key that verifies. Its text is `<name>+<id>+<base64>`. */
export interface VerifierKey {
  readonly name: string;
  readonly id: number;
  readonly publicKey: KeyObject;
}

/** What {@link openNote} found. */
export interface OpenedNote {
  /** The signed text, its last line feed included. */
  readonly text: string;
  /** The names of the keys whose signatures verified; at least one. */
  readonly signedBy: readonly string[];
}

/** Key type Ed25519 (C2SP signed-note, "Signature types"). */
const ED25519 = 1;

/** A key's name: no Unicode spaces and no plus (C2SP signed-note, "Format"). `\s` is another set than these spaces. */
const NAME = String.raw`[^\p{White_Space}+]+`;
const SIGNER = new RegExp(String.raw`^PRIVATE\+KEY\+(${NAME})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$`, "u");
const VERIFIER = new RegExp(String.raw`^(${NAME})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$`, "u");
const SIGNATURE = new RegExp(`^— (${NAME}) ([A-Za-z0-9+/]+={0,2})$`, "u");

/** What editors and shells leave around a key. */
const AROUND_KEY = /^[ \t\r\n]+|[ \t\r\n]+$/g;

/** What is in no note (C2SP signed-note, "Format"): ASCII control characters except line feeds, and what is not UTF-8. */
// oxlint-disable-next-line no-control-regex
const NO_NOTE = /[\x00-\x09\x0b-\x1f]|\p{Cs}/u;

// RFC 8410, sections 4 and 7: what stands before the 32 bytes of a key in SPKI and in PKCS #8.
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Makes a new key pair; both halves as text.
 *
 * @throws TypeError when the name is empty, over 256 characters, or has a space, a plus or a control character in it.
 */
export function generateKeys(name: string): { readonly signer: string; readonly verifier: string } {
  // Control characters have no place in a note (C2SP signed-note, "Format"), and lone surrogates none in UTF-8.
  if (!/^[^\s+\p{Cc}\p{Cs}]{1,256}$/u.test(name)) {
    throw new TypeError("a key's name is not empty and has no spaces, no plus and no control characters");
  }
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(PKCS8_PREFIX.length);
  const id = keyId(name, rawPublicKey(publicKey));
  return {
    signer: `PRIVATE+KEY+${name}+${hex(id)}+${encodeKey(seed)}`,
    verifier: `${name}+${hex(id)}+${encodeKey(rawPublicKey(publicKey))}`,
  };
}

/** Reads a signing key's text. @throws TypeError when it is not one. Neither text nor key is in the message. */
export function parseSignerKey(text: string): SignerKey {
  const [, name = "", id, encoded] = SIGNER.exec(text.replaceAll(AROUND_KEY, "")) ?? [];
  const seed = decodeKey(encoded);
  if (seed !== undefined) {
    const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
    const expected = keyId(name, rawPublicKey(createPublicKey(privateKey)));
    if (hex(expected) === id) return { name, id: expected, privateKey };
  }
  throw new TypeError("not a signing key. One begins with PRIVATE+KEY+ and is made by capfence keys generate");
}

/** Reads a verifying key's text. @throws TypeError when it is not one. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = "", id, encoded] = VERIFIER.exec(text.replaceAll(AROUND_KEY, "")) ?? [];
  const raw = decodeKey(encoded);
  if (raw !== undefined && hex(keyId(name, raw)) === id) {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
    return { name, id: keyId(name, raw), publicKey };
  }
  throw new TypeError("not a verifying key. One has the form name+id+key and is made by capfence keys generate");
}

/** Whether `value` is a key as {@link parseSignerKey} answers it. */
export function isSignerKey(value: unknown): value is SignerKey {
  if (typeof value !== "object" || value === null) return false;
  const { name, id, privateKey } = value as Record<string, unknown>;
  return typeof name === "string" && Number.isSafeInteger(id) && privateKey instanceof KeyObject;
}

/** The verifying half of a signing key. */
export function verifierOf(signer: SignerKey): VerifierKey {
  return { name: signer.name, id: signer.id, publicKey: createPublicKey(signer.privateKey) };
}

/** Signs `text`, which must end in a line feed. */
export function signNote(text: string, { name, id, privateKey }: SignerKey): string {
  if (!text.endsWith("\n")) throw new TypeError("a note ends in a line feed");
  const signature = Buffer.alloc(4 + 64);
  signature.writeUInt32BE(id);
  sign(null, Buffer.from(text, "utf8"), privateKey).copy(signature, 4);
  return `${text}\n— ${name} ${signature.toString("base64")}\n`;
}

/**
 * Opens a note that at least one of `keys` has signed. Signatures of other keys are passed over.
 *
 * @throws TypeError when it is not a note, none of the keys has signed it, or a signature of one of them is wrong.
 */
export function openNote(note: string, keys: readonly VerifierKey[]): OpenedNote {
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n") || NO_NOTE.test(note)) throw new TypeError("not a signed note");
  const text = note.slice(0, end + 1);
  const verified = new Set<VerifierKey>();
  for (const line of note.slice(end + 2, -1).split("\n")) {
    const [, name, encoded = ""] = SIGNATURE.exec(line) ?? [];
    const bytes = decodeBase64(encoded);
    if (bytes === undefined || bytes.length < 5) {
      throw new TypeError("not a signed note: a signature line is malformed");
    }
    const id = bytes.readUInt32BE();
    const key = keys.find((each) => each.name === name && each.id === id);
    if (key === undefined || verified.has(key)) continue;
    if (!verify(null, Buffer.from(text, "utf8"), key.publicKey, bytes.subarray(4))) {
      throw new TypeError(`the signature of ${key.name} is wrong`);
    }
    verified.add(key);
  }
  if (verified.size === 0) throw new TypeError("none of the given keys has signed it");
  return { text, signedBy: [...new Set([...verified].map(({ name }) => name))] };
}

/** C2SP signed-note: the first four bytes of SHA-256 over the name, a line feed, the key type and the key. */
function keyId(name: string, raw: Buffer): number {
  return createHash("sha256").update(`${name}\n`).update(Buffer.of(ED25519)).update(raw).digest().readUInt32BE();
}

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length);
}

function hex(id: number): string {
  return id.toString(16).padStart(8, "0");
}

function encodeKey(raw: Buffer): string {
  return Buffer.concat([Buffer.of(ED25519), raw]).toString("base64");
}

function decodeKey(encoded: string | undefined): Buffer | undefined {
  const bytes = decodeBase64(encoded ?? "");
  return bytes?.length === 33 && bytes[0] === ED25519 ? bytes.subarray(1) : undefined;
}

/** Node reads on behind what is not base64 and needs no padding; here one text stands for one value. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
