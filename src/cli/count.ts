/** Numbers of things, in words. */

/** `1 entry`, `2 entries`. By default the plural has an s. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
