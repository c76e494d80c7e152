/** JSON text of what a log holds, however deep that is nested: somebody who makes a chain anew can write anything into it. */

/** The value as `JSON.stringify` writes it; `undefined` when it is none of JSON's. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // JSON.parse reads what is too deep for JSON.stringify, which calls itself for every level.
    if (!(error instanceof RangeError)) throw error;
    return deepText(value);
  }
}

/** A list or an object that is being written. */
interface Opened {
  /** What is still to come: for each member, what stands before it, and its value. */
  readonly members: Iterator<readonly [before: string, value: unknown]>;
  readonly closing: string;
  isFirst: boolean;
}

/** The same for plain data, without recursion. */
function deepText(value: unknown): string {
  const parts: string[] = [];
  const open: Opened[] = [];
  write(value);
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const next = last.members.next();
    if (next.done === true) {
      parts.push(last.closing);
      open.pop();
      continue;
    }
    const [before, member] = next.value;
    parts.push(last.isFirst ? before : `,${before}`);
    last.isFirst = false;
    write(member);
  }
  return parts.join("");

  function write(each: unknown): void {
    if (typeof each !== "object" || each === null) {
      parts.push(JSON.stringify(each) ?? "null");
      return;
    }
    const isList = Array.isArray(each);
    parts.push(isList ? "[" : "{");
    open.push({ members: membersOf(each), closing: isList ? "]" : "}", isFirst: true });
  }
}

function* membersOf(value: object): Generator<readonly [before: string, value: unknown]> {
  if (Array.isArray(value)) {
    for (const each of value as readonly unknown[]) yield ["", each];
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) yield [`${JSON.stringify(name)}:`, member];
  }
}
