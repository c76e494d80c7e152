/** Where the shell evaluates text that quotes have kept back: in arithmetic, and in the subscript of a variable's name. */

import type { Assignment, DoubleQuotedChild, SyntaxNode, Word as ParsedWord, WordPart } from "unbash";

import { HOLE } from "./word.ts";

/** Comparisons of `[[ … ]]` whose two sides are arithmetic. */
const COMPARES_NUMBERS = /^-(?:eq|ne|lt|le|gt|ge)$/;
/** Tests of `[[ … ]]` that take the name of a variable. */
const TAKES_NAME = /^-[vR]$/;
/** A variable for a file descriptor, as in `{fd}>x`, with a subscript. */
const DESCRIPTOR_VARIABLE = /^\{\w+\[/;
const SUBSTITUTION = /\$[({\0]|`/;

/** Whether text that is evaluated has a substitution in a subscript, which is then run: `a[$(id)]`. */
export function hidesCode(shape: string): boolean {
  const subscript = shape.search(/[[\0]/);
  return subscript !== -1 && SUBSTITUTION.test(shape.slice(subscript));
}

/** Whether the shell runs quoted text of this node itself, those inside it aside. */
export function runsQuotedText(node: SyntaxNode): boolean {
  if (node.type === "ArithmeticWord") return hidesCode(node.value);
  if (node.type === "Assignment") return assigns(node);
  if (node.type === "Word") return DESCRIPTOR_VARIABLE.test(node.text) && hidesCode(quoted(node));
  if (node.type === "TestUnary") return TAKES_NAME.test(node.operator) && hidesCode(quoted(node.operand));
  if (node.type !== "TestBinary" || !COMPARES_NUMBERS.test(node.operator)) return false;
  return hidesCode(quoted(node.left)) || hidesCode(quoted(node.right));
}

function assigns({ index, value }: Assignment): boolean {
  if (index !== undefined && SUBSTITUTION.test(quoted(index))) return true;
  return (
    value.type === "ArrayValue" &&
    value.elements.some((element) => element.text.startsWith("[") && hidesCode(quoted(element)))
  );
}

/** The text of a word that no expansion makes, also that in brackets. */
function quoted({ parts, value }: ParsedWord): string {
  return parts === undefined ? value : parts.map(textOf).join("");
}

function textOf(part: WordPart | DoubleQuotedChild): string {
  if (part.type === "Literal" || part.type === "SingleQuoted" || part.type === "AnsiCQuoted") return part.value;
  if (part.type === "DoubleQuoted" || part.type === "LocaleString") return part.parts.map(textOf).join("");
  if (part.type !== "Glob") return HOLE;
  return part.parts === undefined ? part.value : `[${part.parts.map(textOf).join("")}]`;
}
