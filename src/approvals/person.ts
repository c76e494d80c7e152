/** Who is who, as far as names tell. */

/** Whether two names are one, however they are spelt. */
export function isSamePerson(left: string, right: string): boolean {
  return plain(left) === plain(right);
}

function plain(name: string): string {
  return name
    .normalize("NFKC")
    .replaceAll(/[\s\p{Default_Ignorable_Code_Point}]+/gu, "")
    .toLowerCase();
}
