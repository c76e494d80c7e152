/** Whether two readings of one script, made in different ways, come to the same plain commands. */

import type { ParsedScript, PipelineNode, AndOr } from "unbash";

import { lexPlainly, type PlainCommand } from "./lexer.ts";
import { readWord } from "./word.ts";

/** Whether `text` has nothing but plain commands, and our own reader finds the same in it as the parser. */
export function agrees(text: string, script: ParsedScript, trusted: boolean): boolean {
  if (script.errors !== undefined && script.errors.length > 0) return false;
  const plain = lexPlainly(text);
  if (plain === undefined) return false;
  const parsed: PlainCommand[] = [];
  if (!script.commands.every(({ command }) => collect(command, parsed, trusted))) return false;
  return parsed.length === plain.length && parsed.every((command, index) => same(command, plain[index]));
}

/** Adds the plain commands of a node; `false` when it has any other. */
function collect(node: PipelineNode | AndOr, into: PlainCommand[], trusted: boolean): boolean {
  if (node.type === "AndOr") return node.commands.every((command) => collect(command, into, trusted));
  if (node.type === "Pipeline") {
    return node.prefixes.length === 0 && node.commands.every((command) => collect(command, into, trusted));
  }
  if (node.type !== "Command") return false;
  const words: string[] = [];
  const redirects: string[] = [];
  for (const part of [...node.prefix, ...(node.name === undefined ? [] : [node.name]), ...node.suffix]) {
    if (part.type === "Word") {
      const word = readWord(part, trusted);
      if (word.splits) return false;
      words.push(word.shape);
    } else if (part.type === "Assignment") {
      if (part.value.type !== "Word" || part.index !== undefined || part.append === true) return false;
      words.push(`${part.name}=${readWord(part.value, trusted).shape}`);
    } else if (part.type === "Redirect" && part.target !== undefined) {
      if (part.descriptor?.type === "FileDescriptorVariable") return false;
      redirects.push(`${part.descriptor?.value ?? ""}${part.operator}${readWord(part.target, trusted).shape}`);
    } else return false;
  }
  into.push({ words, redirects });
  return true;
}

function same(parsed: PlainCommand, plain: PlainCommand | undefined): boolean {
  return plain !== undefined && alike(parsed.words, plain.words) && alike(parsed.redirects, plain.redirects);
}

function alike(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((each, index) => each === right[index]);
}
