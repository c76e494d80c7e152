import { describe, it } from "vitest";

import { expectExactSize, SHAPES } from "./snapshot-sizes.ts";

describe("size, counted as the bytes of the JSON text in UTF-8,", () => {
  it.each(SHAPES)("is exact though all of it is %s", (_name, shape) => {
    expectExactSize(shape, Infinity);
  });
});
