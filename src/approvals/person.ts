/** Who is who, as far as names tell. */

/** Letters of other alphabets that look like one of ours. Not all there are: these occur on keyboards. */
const ALIKE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "\u0430\u03b1\u0251",
    b: "\u044c\u0432\u03b2",
    c: "\u0441\u03f2",
    d: "\u0501",
    e: "\u0435\u03b5\u0454",
    g: "\u0261",
    h: "\u04bb\u043d\u03b7",
    i: "\u0456\u03b9\u0131\u04cf",
    j: "\u0458\u03f3",
    k: "\u043a\u03ba",
    m: "\u043c",
    n: "\u03b7",
    o: "\u043e\u03bf\u0585\u03c3",
    p: "\u0440\u03c1",
    q: "\u051b",
    s: "\u0455",
    t: "\u0442\u03c4",
    u: "\u057d\u03c5",
    v: "\u03bd\u0475",
    w: "\u051d\u03c9",
    x: "\u0445\u03c7",
    y: "\u0443\u03b3\u04af",
    z: "\u03b6",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2212\u00ad",
  }).flatMap(([letter, others]) => Array.from(others, (other) => [other, letter] as const)),
);

/** Whether two names are one, or look like one, however they are spelt. */
export function isSamePerson(left: string, right: string): boolean {
  return plain(left) === plain(right);
}

/** Whether a name is that of somebody who is known by these names. */
export function isOneOf(name: string, ...names: readonly (string | undefined)[]): boolean {
  return names.some((each) => each !== undefined && isSamePerson(each, name));
}

function plain(name: string): string {
  // Upper case first: letters that are two in upper case, as the German sharp s is, are two everywhere.
  const folded = name.normalize("NFKD").toUpperCase().toLowerCase().normalize("NFKD");
  const bare = folded.replaceAll(/[\s\p{Default_Ignorable_Code_Point}\p{M}]+/gu, "");
  return Array.from(bare, (letter) => ALIKE.get(letter) ?? letter).join("");
}
