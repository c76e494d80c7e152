/** `url`: whom the addresses lead to that a call names. */

import { alike } from "../../answer.ts";
import { oneOrList, type JsonSchema } from "../../document/json-schema.ts";
import type { ConditionKind } from "../condition.ts";
import { FIELD, textStatedIn } from "../stated.ts";
import { compileUrl, type UrlTerms } from "./url-judge.ts";

/** The top-level fields of a payload that hold a URL. All that are present count. */
export const URL_FIELDS: readonly string[] = ["url", "uri", "href", "link", "endpoint"];

const TERMS = ["hosts", "schemes", "ports", "private", "paths"] as const;

const TEXT: JsonSchema = { title: "text", type: "string", minLength: 1, maxLength: 256 };

/**
 * `yes` when every URL is one of these, `maybe` when some are or readers disagree about one, `no` when none is or there is
 * none. Nothing is looked up: what a name resolves to, and where an answer redirects, is not known.
 */
export const url: ConditionKind = {
  schema: {
    title: "a mapping with `hosts`, `schemes`, `ports`, `private` or `paths`",
    description: `Holds for whom the URLs of the payload lead to (default fields: ${URL_FIELDS.join(", ")}, else its only text).`,
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    properties: {
      field: FIELD,
      hosts: oneOrList(
        { ...TEXT, title: "a host" },
        "a list of hosts",
        "The host is this: a name, an address, `*.` before a name for all names below it, or `*` for any.",
      ),
      schemes: oneOrList(
        { ...TEXT, title: "a scheme such as https", pattern: "^[a-z][a-z0-9+.-]*$" },
        "a list of schemes",
        "The scheme is this, without the colon. Default in an allow rule: http and https.",
      ),
      ports: oneOrList(
        { title: "a port", type: "integer", minimum: 1, maximum: 65_535 },
        "a list of ports",
        "The port is this. Default in an allow rule: the one that the scheme implies.",
      ),
      private: {
        title: "deny or allow",
        description:
          "`deny`: a deny rule is about private addresses, any other about public ones, as allow rules are by default. `allow`: the other way round; an allow rule is then about both.",
        type: "string",
        enum: ["deny", "allow"],
      },
      paths: oneOrList(
        { ...TEXT, title: "a glob" },
        "a list of globs",
        "The path matches: * within a name, ** for any names.",
      ),
    },
  },
  compile: (value, report, section) => {
    const written = value as UrlTerms & { readonly field?: unknown };
    if (TERMS.every((term) => written[term] === undefined))
      report([], `says nothing about URLs; give it ${TERMS.map((term) => `\`${term}\``).join(", ")}`);
    const judge = compileUrl(written, section, report);
    const find = textStatedIn(written.field, URL_FIELDS);
    return {
      ask: ({ event: { payload } }) => alike(find(payload).map((stated) => judge(stated.value).answer)),
      why: ({ event: { payload } }) =>
        find(payload)
          .map((stated) => `${stated.field} ${judge(stated.value).why}`)
          .join(", ") || "the payload has no URL",
    };
  },
};
