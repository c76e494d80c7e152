/**
 * Writes JSON as Python's `json.dumps(value, sort_keys=True)` does: keys by code point, a space after `,` and `:`, everything
 * but ASCII escaped, and numbers as Python prints what it has read. Older traces have checksums of such text.
 */

/** Deepest nesting that is followed. */
const MAX_NESTING = 512;

const TOKEN = /[\s]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null))/y;

/** `text`, which must be JSON, as Python would write it. @throws RangeError when it is nested too deeply. */
export function pythonJson(text: string): string {
  return new Reader(text).value(0);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): string {
    if (depth > MAX_NESTING) throw new RangeError("nested too deeply");
    const token = this.#next();
    if (token === "{") return this.#members(depth);
    if (token === "[") return this.#items(depth);
    if (token.startsWith('"')) return quoted(JSON.parse(token) as string);
    return /^[tfn]/.test(token) ? token : number(token);
  }

  #members(depth: number): string {
    const members = new Map<string, string>();
    // Of members with one name, the last counts.
    for (let token = this.#next(); token !== "}"; token = this.#next()) {
      const name = token === "," ? this.#next() : token;
      this.#next();
      members.set(JSON.parse(name) as string, this.value(depth + 1));
    }
    const sorted = [...members].toSorted(([left], [right]) => byCodePoint(left, right));
    return `{${sorted.map(([name, value]) => `${quoted(name)}: ${value}`).join(", ")}}`;
  }

  #items(depth: number): string {
    const items: string[] = [];
    while (this.#peek() !== "]") {
      if (this.#peek() === ",") this.#next();
      items.push(this.value(depth + 1));
    }
    this.#next();
    return `[${items.join(", ")}]`;
  }

  #peek(): string {
    const before = this.#at;
    const token = this.#next();
    this.#at = before;
    return token;
  }

  #next(): string {
    TOKEN.lastIndex = this.#at;
    const found = TOKEN.exec(this.#text);
    this.#at = TOKEN.lastIndex;
    return (found?.[0] ?? "").trimStart();
  }
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An integer stays as it is; anything else is what Python's `repr` makes of the same double. */
function number(token: string): string {
  if (/^-?\d+$/.test(token)) return token === "-0" ? "0" : token;
  const value = Number(token);
  if (Object.is(value, -0)) return "-0.0";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  const [digits = "0", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  // Python changes to the form with an exponent below 1e-4 and from 1e16 on.
  if (power < -4 || power >= 16) {
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

/** UTF-16 puts the characters beyond the first plane before some that have smaller code points. */
function byCodePoint(left: string, right: string): number {
  const [one, other] = [Array.from(left), Array.from(right)];
  for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
    const difference = (one[at]?.codePointAt(0) ?? 0) - (other[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
