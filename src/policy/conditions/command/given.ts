/** Which part of a payload is the command, and how it reads. */

import type { Json, JsonObject } from "../../../snapshot.ts";
import { compatible, type PayloadText } from "../../matching/payload-text.ts";
import { readScript, readWords } from "./reader.ts";
import type { Script } from "./script.ts";

/** The fields of a payload that hold a command line. */
const COMMAND_FIELDS: readonly string[] = ["command", "cmd", "script", "input"];

/** What a payload asks to run. */
export interface Given {
  /** As it stands. A list is read as words, and as a text too, since some tools join lists. */
  readonly scripts: readonly Script[];
  /** As a reader takes it for whom other forms of a character are that character. */
  readonly lookalikes: readonly Script[];
  /** Why it isn't clear what runs; `undefined` when it is. */
  readonly doubt: string | undefined;
}

/** Rules about one event share what is read; it goes when the judgement is over. */
const remembered: WeakMap<PayloadText, Map<string | undefined, Given>> = new WeakMap();

/** What the payload asks to run: in `field`, or where commands usually are. Read once per judgement. */
export function given(payload: JsonObject, text: PayloadText, field: string | undefined): Given {
  let known = remembered.get(text);
  if (known === undefined) remembered.set(text, (known = new Map()));
  let found = known.get(field);
  if (found === undefined) known.set(field, (found = read(payload, field)));
  return found;
}

function read(payload: JsonObject, field: string | undefined): Given {
  const fields = field === undefined ? commandFields(payload) : [field].filter((name) => Object.hasOwn(payload, name));
  const scripts: Script[] = [];
  const lookalikes: Script[] = [];
  let doubt = field === undefined ? doubtAbout(payload, fields) : undefined;
  if (fields.length === 0) doubt ??= `there is no ${field ?? "command"}`;
  for (const name of fields) {
    const value = payload[name] ?? null;
    const readings = readValue(value);
    if (readings === undefined) doubt = `${name} is neither text nor a list of texts`;
    else scripts.push(...readings);
    for (const { text } of readings ?? []) {
      const plain = plainly(text);
      if (plain !== text) lookalikes.push(readScript(plain));
    }
  }
  return { scripts, lookalikes, doubt };
}

/** The usual fields that are there, or else the only field that holds any text. */
function commandFields(payload: JsonObject): readonly string[] {
  const usual = COMMAND_FIELDS.filter((name) => Object.hasOwn(payload, name));
  return usual.length > 0 ? usual : Object.keys(payload).filter((name) => holdsText(payload[name] ?? null));
}

function doubtAbout(payload: JsonObject, fields: readonly string[]): string | undefined {
  if (fields.length > 1) return `${fields.join(" and ")} may all be the command; name one with \`field\``;
  const other = Object.keys(payload).find((name) => !fields.includes(name) && holdsText(payload[name] ?? null));
  return other === undefined
    ? undefined
    : `the payload has other text, in ${JSON.stringify(other)}; say with \`field\` which is run`;
}

function readValue(value: Json): readonly Script[] | undefined {
  if (typeof value === "string") return [readScript(value)];
  if (!isTexts(value) || value.length === 0) return undefined;
  return [readWords(value), readScript(value.join(" "))];
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function holdsText(value: Json): boolean {
  if (typeof value === "string") return value !== "";
  return typeof value === "object" && value !== null && Object.values(value).some((each: Json) => holdsText(each));
}

/** `text` in compatibility forms, without invisible characters, with plain spaces and with plain dashes before words. */
function plainly(text: string): string {
  if (Buffer.byteLength(text) === text.length) return text;
  return compatible(text)
    .replace(/\p{Cf}/gu, "")
    .replace(/[\p{Zs}\p{Zl}\p{Zp}]/gu, " ")
    .replace(/(?<=^|\s)[\u2010-\u2015\u2212]/gu, "-");
}
