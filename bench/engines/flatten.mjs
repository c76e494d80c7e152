/** The text of a payload that all engines search: every leaf in lower case, a NUL between one and the next. */

/**
 * @param {unknown} payload
 * @returns {string}
 */
export function flatten(payload) {
  /** @type {string[]} */
  const leaves = [];
  collect(payload, leaves);
  return leaves.join("\0").toLowerCase();
}

/**
 * @param {unknown} value
 * @param {string[]} leaves
 */
function collect(value, leaves) {
  if (typeof value === "string") leaves.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, leaves);
  else if (typeof value === "number" || typeof value === "boolean") leaves.push(String(value));
  else if (value !== null) for (const key of Object.keys(value)) collect(value[key], leaves);
}

/** One request under judgement, for engines whose conditions are functions: the text is made at most once. */
export class Subject {
  /** @type {string | undefined} */
  #text;

  /** @param {import("./serve.mjs").Request} request */
  constructor(request) {
    this.capability = request.capability;
    this.environment = request.environment;
    this.payload = request.payload;
  }

  get text() {
    this.#text ??= flatten(this.payload);
    return this.#text;
  }
}
