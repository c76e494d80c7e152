/** One copy of every text, for texts that are the same in many rules and looked at for every request. */

/** Texts that were given to it. It only grows: where requests choose the texts, whoever has it must begin anew now and then. */
export class SharedTexts {
  readonly #texts: Map<string, string> = new Map();

  /** A text that equals `text`: the same one each time. */
  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}
