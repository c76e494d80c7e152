/** Makes what tools, agents and streams give comparable: plain data without what differs from run to run. */

import { BaseMessage } from "@langchain/core/messages";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const STACK = /\n {4}at .*/g;
const MAX_DEPTH = 24;

/** What a call came to: its value, or the error it threw, as plain data. */
export async function outcomeOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { value: plainData(await run()) };
  } catch (error) {
    return { error: plainData(error) };
  }
}

/** A copy of plain objects, lists and texts; ids are numbered in the order they come up, errors are their name and message. */
export function plainData(value: unknown): unknown {
  return new PlainCopy().copy(value, 0);
}

class PlainCopy {
  readonly #ids: string[] = [];

  copy(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "function") return "[function]";
    if (typeof value !== "object" || value === null) return value;
    if (depth > MAX_DEPTH) return "[deep]";
    if (value instanceof Error) return { error: this.#text(`${value.name}: ${value.message}`) };
    if (Array.isArray(value)) return value.map((item) => this.copy(item, depth + 1));
    if (value instanceof Date) return value.getTime();
    if (BaseMessage.isInstance(value)) return this.#message(value, depth);
    return this.#members(value, depth);
  }

  #text(text: string): string {
    return text
      .replace(STACK, "")
      .replace(TIME, "<time>")
      .replace(UUID, (id) => {
        if (!this.#ids.includes(id)) this.#ids.push(id);
        return `<id ${this.#ids.indexOf(id)}>`;
      });
  }

  #message(message: BaseMessage, depth: number): unknown {
    const { id: _, lc_kwargs: __, ...members } = this.#members(message, depth);
    return { message: message.getType(), ...members };
  }

  #members(value: object, depth: number): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value).toSorted()) {
      const member: unknown = Reflect.get(value, key);
      if (key === "stack" || member === undefined) continue;
      copy[this.#text(key)] = this.copy(member, depth + 1);
    }
    return copy;
  }
}
