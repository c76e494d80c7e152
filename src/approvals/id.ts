/** Ids that people can say to each other. */

import { randomInt } from "node:crypto";

// No letter that sounds like another one, or looks like one.
const CONSONANTS = "bdfgkmnprstvz";
const VOWELS = "aeiou";

/** A new id, two words of two syllables such as `kobu-tasi`, for which `isTaken` is false. */
export function speakableId(isTaken: (id: string) => boolean): string {
  for (;;) {
    const id = `${word()}-${word()}`;
    if (!isTaken(id)) return id;
  }
}

function word(): string {
  return [CONSONANTS, VOWELS, CONSONANTS, VOWELS].map((letters) => letters.charAt(randomInt(letters.length))).join("");
}
