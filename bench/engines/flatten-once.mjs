/** A floor, which decides nothing: flattens the payload and puts it in lower case. */

import { flatten } from "./flatten.mjs";

export const packages = [];
export const decides = false;

export function create() {
  return {
    prepare: ({ payload }) => payload,
    decide: flatten,
  };
}
