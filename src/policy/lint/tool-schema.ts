/** What a tool's schema says about the fields of its arguments, whether it is JSON Schema or zod 3 or 4. */

/** Whether a field is always there, may be left out, or is not there. */
export type FieldPresence = "required" | "optional" | "absent";

/** Looks up a field by the keys that lead to it; `undefined` where the schema is not one that can be read. */
export type FieldLookup = (keys: readonly string[]) => FieldPresence | undefined;

/** A kind of schema, taken apart: its object's fields, or that it has none. */
interface Taken {
  /** `undefined` when this is no object whose fields are known. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  readonly isRequired: (field: string) => boolean;
}

const MAX_WRAPPERS = 32;

/** How to look up fields in a schema given as it is: a JSON Schema, or a zod object. zod itself is not needed. */
export function fieldLookup(schema: unknown): FieldLookup {
  return (keys) => lookUp(schema, schema, keys);
}

function lookUp(root: unknown, schema: unknown, keys: readonly string[]): FieldPresence | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return "required";
  const taken = takeZod(schema) ?? takeJsonSchema(root, schema);
  if (taken?.fields === undefined) return undefined;
  if (!Object.hasOwn(taken.fields, key)) return "absent";
  const inner = rest.length === 0 ? "required" : lookUp(root, taken.fields[key], rest);
  return inner === "required" && !taken.isRequired(key) ? "optional" : inner;
}

function takeJsonSchema(root: unknown, schema: unknown): Taken | undefined {
  const followed = followReference(root, schema);
  if (!isRecord(followed)) return undefined;
  const { properties, required } = followed;
  return {
    fields: isRecord(properties) ? properties : undefined,
    isRequired: (field) => Array.isArray(required) && required.includes(field),
  };
}

/** Follows `$ref` within the document: `#/$defs/Money`. */
function followReference(root: unknown, schema: unknown): unknown {
  let followed = schema;
  for (let step = 0; step < MAX_WRAPPERS && isRecord(followed) && typeof followed["$ref"] === "string"; step += 1) {
    const keys = followed["$ref"].replace(/^#\/?/, "").split("/").filter(Boolean);
    followed = keys.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), root);
  }
  return followed;
}

/** zod 4 keeps its definition in `_zod.def` with a `type`, zod 3 in `_def` with a `typeName`. */
function takeZod(schema: unknown): Taken | undefined {
  if (zodDefinition(schema) === undefined) return undefined;
  const shape = zodDefinition(unwrap(schema, TRANSPARENT))?.["shape"];
  const fields: unknown = typeof shape === "function" ? (shape as () => unknown)() : shape;
  return {
    fields: isRecord(fields) ? fields : undefined,
    isRequired: (field) => isRecord(fields) && !mayBeLeftOut(fields[field]),
  };
}

/** Kinds of zod that stand around another schema, and the key of what is inside. */
const OMISSIBLE: Readonly<Record<string, string>> = {
  optional: "innerType",
  default: "innerType",
  prefault: "innerType",
  catch: "innerType",
  ZodOptional: "innerType",
  ZodDefault: "innerType",
  ZodCatch: "innerType",
};
const TRANSPARENT: Readonly<Record<string, string>> = {
  ...OMISSIBLE,
  nullable: "innerType",
  readonly: "innerType",
  nonoptional: "innerType",
  pipe: "in",
  ZodNullable: "innerType",
  ZodReadonly: "innerType",
  ZodBranded: "type",
  ZodEffects: "schema",
  ZodPipeline: "in",
};

function mayBeLeftOut(schema: unknown): boolean {
  let inner = schema;
  for (let step = 0; step < MAX_WRAPPERS; step += 1) {
    const kind = zodKind(inner);
    if (kind === undefined || kind === "nonoptional") return false;
    if (Object.hasOwn(OMISSIBLE, kind)) return true;
    const key = TRANSPARENT[kind];
    if (key === undefined) return false;
    inner = zodDefinition(inner)?.[key];
  }
  return false;
}

function unwrap(schema: unknown, wrappers: Readonly<Record<string, string>>): unknown {
  let inner = schema;
  for (let step = 0; step < MAX_WRAPPERS; step += 1) {
    const key = wrappers[zodKind(inner) ?? ""];
    if (key === undefined) return inner;
    inner = zodDefinition(inner)?.[key];
  }
  return inner;
}

function zodKind(schema: unknown): string | undefined {
  const definition = zodDefinition(schema);
  const kind = definition?.["type"] ?? definition?.["typeName"];
  // zod 3 brands keep the inner schema under `type`.
  return typeof kind === "string"
    ? kind
    : typeof definition?.["typeName"] === "string"
      ? definition["typeName"]
      : undefined;
}

function zodDefinition(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isRecord(schema)) return undefined;
  const modern = schema["_zod"];
  const definition = isRecord(modern) ? modern["def"] : schema["_def"];
  return isRecord(definition) ? definition : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
