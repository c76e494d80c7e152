/** The refusal of options that mean nothing: a misspelt one would silently do without what was asked for. */

/** Whatever has options, by the names that these have. */
export type OptionNames = ReadonlySet<string>;

/** The names that the options `T` have, each of them. */
export function optionNames<T extends object>(names: Readonly<Record<keyof T & string, true>>): OptionNames {
  return new Set(Object.keys(names));
}

/**
 * Refuses what are no options, or not those of `owner`. `group` is what the options are themselves an option of.
 *
 * @throws TypeError naming what is wrong.
 */
export function checkOptionNames(owner: string, options: unknown, names: OptionNames, group?: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${owner}: ${group ?? "options"} must be an object`);
  }
  for (const name of Object.keys(options)) {
    if (names.has(name)) continue;
    throw new TypeError(`${owner}: unknown option ${group === undefined ? name : `${group}.${name}`}`);
  }
}
