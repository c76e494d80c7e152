import { AsyncResource } from "node:async_hooks";

import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch";
import type { CallbackManagerForToolRun } from "@langchain/core/callbacks/manager";
import { ToolMessage } from "@langchain/core/messages";
import { DynamicTool, StructuredTool, tool } from "@langchain/core/tools";
import { createMiddleware } from "langchain";
import { describe, expect, it, vi } from "vitest";

import { AgentActionBlocked } from "../../src/errors.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import {
  ConformanceError,
  entrances,
  expectAgentGated,
  expectGated,
  FORBIDDEN,
  toolFactories,
  type AgentWrapper,
  type Finding,
  type KitTool,
  type Report,
  type ToolFactory,
  type Wrapper,
} from "../../src/testing/index.ts";
import { checkAborts } from "../../src/testing/check-aborts.ts";
import { checkAppearance } from "../../src/testing/check-appearance.ts";
import { checkEntrance } from "../../src/testing/check-entrances.ts";
import { checkPassage } from "../../src/testing/check-passage.ts";
import { Findings } from "../../src/testing/report.ts";
import { openGate, type Gate } from "./gate.ts";
import { KINDS } from "./kinds.ts";

const RAN = "ran the tool with arguments that the gate has to deny";

function kind(name: string): ToolFactory {
  return [...toolFactories, ...KINDS].find((one) => one.name === name) ?? expect.fail(`no kind ${name}`);
}

/** What a broken gate of these tests takes for forbidden. */
function refuse(value: unknown): void {
  if (JSON.stringify(value).includes(FORBIDDEN)) throw new Error("refused");
}

type Method = (...args: unknown[]) => unknown;

/** Puts `change` around one method of a tool; it gets the method itself and what that is called with. */
function around(subject: object, name: string, change: (method: Method, args: unknown[]) => unknown): KitTool {
  const method = Reflect.get(subject, name) as Method;
  const changed = (...args: unknown[]): unknown => change((...own) => Reflect.apply(method, subject, own), args);
  return Object.assign(subject, { [name]: changed }) as unknown as KitTool;
}

/** A sound gate, but for what is done to the tool before it is behind it. */
const inside =
  (name: string, change: (method: Method, args: unknown[]) => unknown) =>
  ({ wrap }: Gate): Wrapper =>
  (inner) =>
    wrap(around(inner, name, change));

/** A sound gate, but for what is done to its results. */
const outside =
  (name: string, change: (method: Method, args: unknown[]) => unknown) =>
  ({ wrap }: Gate): Wrapper =>
  (inner) =>
    around(wrap(inner), name, change);

/** The tool gets a config without these members. */
const withoutConfig = (...names: readonly string[]) =>
  inside("_call", (call, [args, manager, config]) => {
    const rest = Object.entries(config as object).filter(([name]) => !names.includes(name));
    return call(args, manager, Object.fromEntries(rest));
  });

/** Answers to tool calls with a message that has lost a field. */
const losing = (field: string) =>
  outside("call", async (call, args) => {
    const answer = await call(...args);
    return ToolMessage.isInstance(answer) ? Object.assign(answer, { [field]: undefined }) : answer;
  });

/** A gate of `invoke`, in front of the very same tool. */
const gatedInvoke =
  (look: (input: unknown) => void): Wrapper =>
  (inner) =>
    new Proxy(inner, {
      get(target, name) {
        if (name !== "invoke") return Reflect.get(target, name, target) as unknown;
        return async (input: string, config: object) => {
          look(input);
          return await target.invoke(input, config);
        };
      },
    });

const late = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 10));

/** A gate that passes no classes on, and delegates to the tool's own `invoke`: schema and callbacks come twice. */
class Delegating extends StructuredTool {
  readonly name: string;
  readonly description: string;
  override readonly schema: StructuredTool["schema"];
  readonly #inner: KitTool;

  constructor(inner: KitTool) {
    super();
    this.name = inner.name;
    this.description = inner.description;
    this.schema = inner.schema;
    this.#inner = inner;
  }

  protected async _call(args: unknown, _manager: unknown, config: object): Promise<unknown> {
    refuse(args);
    const given = typeof args === "object" ? args : { input: args };
    return await Reflect.apply(this.#inner.invoke.bind(this.#inner), undefined, [given, { ...config, toolCall: null }]);
  }
}

const JSON_SCHEMA = "tool() with a JSON schema";

interface Row {
  readonly flaw: string;
  readonly wrapper: (gate: Gate) => Wrapper;
  /** The kind of tool to try. Default: one with a JSON schema. */
  readonly kind?: string;
  /** The check that finds it, and what it says. */
  readonly check: string;
  readonly problem: RegExp;
}

const FIELDS = ["name", "description", "schema", "returnDirect", "responseFormat", "verboseParsingErrors"];
const SET_FIELDS = ["tags", "metadata", "extras", "defaultConfig", "callbacks"];

const ROWS: readonly Row[] = [
  ...[...FIELDS, ...SET_FIELDS].map((field) => ({
    flaw: `loses the field ${field}`,
    wrapper:
      ({ wrap }: Gate): Wrapper =>
      (inner) =>
        Object.assign(wrap(inner), { [field]: undefined }),
    kind: SET_FIELDS.includes(field) ? "with every field" : JSON_SCHEMA,
    check: `the field ${field}`,
    problem: /^it is: undefined/,
  })),
  ...[
    ["StructuredTool", JSON_SCHEMA],
    ["DynamicStructuredTool", JSON_SCHEMA],
    ["DynamicTool", "DynamicTool"],
    ["Tool", "DynamicTool"],
  ].map(([name = "", of = ""]) => ({
    flaw: `is no ${name}`,
    wrapper:
      ({ wrap }: Gate): Wrapper =>
      (inner) => {
        const gated = wrap(inner);
        return new Proxy(gated, {
          get: (target, key) => Reflect.get(target, key, target) as unknown,
          getPrototypeOf: () => Object.prototype,
        });
      },
    kind: of,
    check: `instanceof ${name}`,
    problem: /none any more/,
  })),
  {
    flaw: "tells models of other arguments",
    wrapper:
      ({ wrap }) =>
      (inner) =>
        Object.assign(wrap(inner), { schema: { type: "object", properties: {} } }),
    check: "what models are told",
    problem: /^it is: undefined at value.function.parameters/,
  },
  {
    flaw: "answers wrong arguments itself",
    wrapper: outside("call", async (call, args) => await Promise.resolve(call(...args)).catch(() => "wrong")),
    check: "arguments that do not fit the schema",
    problem: /^what came out: /,
  },
  ...["artifact", "tool_call_id", "name", "status"].map((field) => ({
    flaw: `answers tool calls without ${field}`,
    wrapper: losing(field),
    kind: "content and artifact",
    check: "invoke(envelope)",
    problem: new RegExp(`^what came out: undefined at value.${field}`),
  })),
  {
    flaw: "makes text of a direct output, like a graph's Command",
    wrapper: inside("_call", async (call, args) => JSON.stringify(await call(...args))),
    kind: "a direct output, like a graph's Command",
    check: "createAgent, invoke",
    problem: /^what came out: /,
  },
  {
    flaw: "throws errors of its own",
    wrapper: outside("call", async (call, args) => {
      return await Promise.resolve(call(...args)).catch((error: Error) => {
        throw new Error(error.message, { cause: error });
      });
    }),
    kind: "a tool that throws",
    check: "invoke(args)",
    problem: /^what came out: 'Error: disk on fire' at error.error, without the gate 'RangeError: disk on fire'/,
  },
  {
    flaw: "throws a copy of the tool's error",
    wrapper: inside("_call", async (call, args) => {
      return await Promise.resolve(call(...args)).catch((error: Error) => {
        throw new RangeError(error.message);
      });
    }),
    check: "the tool's own error",
    problem: /^another error/,
  },
  {
    flaw: "adds to the arguments",
    wrapper: inside("_call", (call, [args, ...rest]) => call({ ...(args as object), gated: true }, ...rest)),
    check: "invoke(args)",
    problem: /^what reached the tool: true at 0.gated/,
  },
  {
    flaw: "freezes the arguments",
    wrapper: inside("_call", (call, [args, ...rest]) => call(Object.freeze(args), ...rest)),
    check: "arguments that the tool writes into",
    problem: /^what came out: /,
  },
  {
    flaw: "judges the arguments and runs what the caller has made of them since",
    wrapper: () => (inner) =>
      around(inner, "call", async (call, args) => {
        refuse(args[0]);
        await late();
        return await call(...args);
      }),
    check: "arguments that change while they are judged",
    problem: /after they had been judged$/,
  },
  {
    flaw: "calls the tool's own invoke: schema",
    wrapper: () => (inner) => new Delegating(inner),
    check: "the schema, which is applied once",
    problem: /^it was applied 2 times$/,
  },
  {
    flaw: "calls the tool's own invoke: callbacks",
    wrapper: () => (inner) => new Delegating(inner),
    check: "callbacks and run tree",
    problem: /^they were: /,
  },
  ...["tags", "metadata", "runName"].map((member) => ({
    flaw: `loses the call's ${member}`,
    wrapper: outside("call", async (call, [arg, config]) => call(arg, { ...(config as object), [member]: undefined })),
    check: "callbacks and run tree",
    problem: /^they were: /,
  })),
  {
    flaw: "tells the callbacks more than the tool does",
    wrapper: inside("_call", async (call, args) => {
      await (args[1] as CallbackManagerForToolRun | undefined)?.handleToolEvent("judged");
      return await call(...args);
    }),
    check: "callbacks and run tree",
    problem: /^they were: /,
  },
  {
    flaw: "sends an event of its own",
    wrapper: inside("_call", async (call, args) => {
      const callbacks = (args[1] as CallbackManagerForToolRun | undefined)?.getChild();
      if (callbacks !== undefined) await dispatchCustomEvent("judged", {}, { callbacks });
      return await call(...args);
    }),
    check: "streamEvents v2",
    problem: /^what came out: /,
  },
  ...["tags", "metadata", "configurable", "toolCall", "context", "toolCallId", "state", "store", "signal"].map(
    (member) => ({
      flaw: `keeps the config's ${member} from the tool`,
      wrapper: withoutConfig(member),
      check: "the config the tool gets",
      problem: /^it was: undefined/,
    }),
  ),
  {
    flaw: "keeps the graph's writer from the tool",
    wrapper: inside("_call", (call, [args, manager, config]) =>
      call(args, manager, { ...(config as object), writer: () => {} }),
    ),
    kind: "a tool that writes to the stream",
    check: "createAgent, stream, mode custom",
    problem: /^what came out: /,
  },
  {
    flaw: "runs tools in a context of its own",
    wrapper: (gate) => {
      const elsewhere = new AsyncResource("gate");
      return inside("_call", (call, args) => elsewhere.runInAsyncScope(call, undefined, ...args))(gate);
    },
    check: "a run inside the tool, and the host's own context",
    problem: /^it was: 'nothing' at value/,
  },
  {
    flaw: "gives the chunks of a generator when it has ended",
    wrapper: inside("_call", async (call, args) => {
      const result = await call(...args);
      if (typeof result !== "object" || result === null || !("next" in result)) return result;
      const source = result as AsyncGenerator;
      const steps: IteratorResult<unknown>[] = [];
      while (steps.at(-1)?.done !== true) steps.push(await source.next());
      return (async function* () {
        for (const { done, value } of steps) {
          if (done === true) return value as unknown;
          yield value;
        }
        return undefined;
      })();
    }),
    check: "chunks, which come as the tool gives them",
    problem: /^the tool went on before one had come out$/,
  },
  {
    flaw: "runs what was aborted before",
    wrapper: () => (inner) => inner,
    check: "aborted before the call",
    problem: /^the tool ran$/,
  },
  {
    flaw: "does not look again once it has judged",
    wrapper: () => (inner) =>
      around(inner, "_call", async (call, args) => {
        await late();
        return await call(...args);
      }),
    check: "aborted while it is judged",
    problem: /had been aborted$/,
  },
  {
    flaw: "keeps an abort from the tool",
    wrapper: withoutConfig("signal"),
    check: "aborted while the tool runs",
    problem: /^what came out: undefined at error, without the gate \{ error: 'Error: changed my mind' \}/,
  },
];

const EVERY_FIELD: ToolFactory = {
  ...kind(JSON_SCHEMA),
  name: "with every field",
  make: (calls) =>
    tool((args: unknown) => void calls.push(args), {
      name: "every",
      description: "Has every field.",
      schema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
      tags: ["own"],
      metadata: { own: true },
      extras: { own: true },
      defaultConfig: { tags: ["default"] },
      callbacks: [{ handleToolEnd: () => {} }],
    }),
};

async function findingsOf(run: Promise<unknown>): Promise<readonly Finding[]> {
  const error: unknown = await run.catch((thrown: unknown) => thrown);
  if (error instanceof ConformanceError) return error.findings;
  return expect.fail(`expected a ConformanceError, got ${String(error)}`);
}

/** The part of the kit that has this check. */
async function tryCheck(check: string, wrapper: Wrapper, factory: ToolFactory): Promise<Report> {
  const findings = new Findings();
  const entrance = [...entrances(factory)].find(({ name }) => name === check);
  if (entrance === undefined) {
    await checkAppearance(findings, wrapper, factory);
    await checkPassage(findings, wrapper);
    await checkAborts(findings, wrapper);
  } else {
    await checkEntrance(findings, wrapper, factory, entrance);
  }
  return findings.conclude();
}

const problemsOf = (findings: readonly Finding[], check: string): string[] =>
  findings.filter((finding) => finding.check === check).map(({ problem }) => problem);

describe("the conformance kit finds a gate that", () => {
  it.each(ROWS)("$flaw", async ({ wrapper, kind: name = JSON_SCHEMA, check, problem }) => {
    const factory = name === EVERY_FIELD.name ? EVERY_FIELD : kind(name);
    const findings = await findingsOf(tryCheck(check, wrapper(openGate()), factory));
    expect(problemsOf(findings, check)).toContainEqual(expect.stringMatching(problem));
  });

  const plain = kind("DynamicTool");
  const one = { tools: [plain] };
  // What a tool writes has an entry of its own in the table.
  const names = [...entrances(plain)].map(({ name }) => name).filter((name) => !name.endsWith("mode custom"));

  it.each<readonly [string, (gate: Gate) => Wrapper, RegExp]>([
    ["stops nothing", () => (inner) => inner, new RegExp(`^${RAN}$`)],
    [
      "stops everything",
      ({ wrap }) =>
        (inner) =>
          around(wrap(inner), "_call", () => refuse(FORBIDDEN)),
      /^what reached the tool: /,
    ],
    ["answers with something else", inside("_call", async (call, args) => [await call(...args)]), /^what came out: /],
  ])("%s, at every entrance", async (_flaw, wrapper, problem) => {
    const findings = await findingsOf(expectGated(wrapper(openGate()), one));
    for (const name of names) expect(problemsOf(findings, name), name).toContainEqual(expect.stringMatching(problem));
  });

  it("judges what invoke is given, as if that were the arguments", async () => {
    const wrapper = gatedInvoke((input) => {
      if (typeof input === "object" && input !== null && "path" in input) refuse(input.path);
    });
    const findings = await findingsOf(expectGated(wrapper, { tools: [kind(JSON_SCHEMA)] }));
    expect(problemsOf(findings, "invoke(args)")).toEqual([]);
    for (const name of ["invoke(envelope)", "createAgent, invoke", "batch of envelopes"]) {
      expect(problemsOf(findings, name)).toContain(RAN);
    }
  });

  it("judges in a callback handler, whose errors are only logged", async () => {
    const handler = {
      name: "guard",
      awaitHandlers: true,
      handleToolStart: (_tool: unknown, input: string) => refuse(input),
    };
    const quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
    const findings = await findingsOf(expectGated((inner) => Object.assign(inner, { callbacks: [handler] }), one));
    quiet.mockRestore();
    expect(problemsOf(findings, "invoke(args)")).toContain(RAN);
  });

  it("throws when it is to wrap a tool", async () => {
    const findings = await findingsOf(expectGated(() => expect.fail("not this one"), one));
    for (const name of [...names, "the tool's own error"]) {
      expect(problemsOf(findings, name), name).toContainEqual(
        expect.stringMatching(/^could not be checked: .*not this one/),
      );
    }
  });

  it("is tried with kinds of tool that tell nothing", async () => {
    const gate = openGate();
    const tools: ToolFactory[] = [
      { ...plain, name: "deaf", make: () => new DynamicTool({ name: "deaf", description: "", func: async () => "x" }) },
      { ...plain, name: "harmless", denied: { input: "nothing of the kind" } },
    ];
    const findings = await findingsOf(expectGated((inner) => gate.wrap(inner), { tools }));
    const inAgents = await findingsOf(expectAgentGated((agent) => agent, { tools }));
    for (const found of [findings, inAgents]) {
      const subjects = found.filter(({ check }) => check === "its denied arguments").map(({ subject }) => subject);
      expect(subjects).toEqual(["deaf", "harmless"]);
    }
    expect(problemsOf(findings, "invoke(args)").join()).toContain("the allowed call does not reach the tool");
    const unreached = inAgents.filter(({ problem }) => problem.includes("the allowed call does not reach"));
    expect(unreached[0]).toMatchObject({ subject: "deaf", check: "one of the agent's tools, invoke" });
  });

  it.each([[[]], [null], ["tools"]])("is tried with no kinds of tool: %j", async (tools) => {
    for (const expectation of [expectGated, expectAgentGated]) {
      await expect(Reflect.apply(expectation, undefined, [(x: unknown) => x, { tools }])).rejects.toThrow(
        /expect(?:Agent)?Gated: tools must be a list of at least one kind of tool/,
      );
    }
  });
});

describe("the conformance kit finds a gate around agents that", () => {
  const one = { tools: [kind(JSON_SCHEMA)] };
  it.each<readonly [string, () => AgentWrapper, RegExp]>([
    ["stops nothing", () => (parts) => parts, new RegExp(`^${RAN}$`)],
    [
      "stops everything",
      () =>
        ({ tools, middleware }) => ({
          tools,
          middleware: [...middleware, answering((name) => ({ content: "no", tool_call_id: name }))],
        }),
      /^what reached the tool: /,
    ],
  ])("%s, at every way", async (_flaw, wrapper, problem) => {
    const findings = await findingsOf(expectAgentGated(wrapper(), one));
    const { runtime } = openGate();
    const gate = capfenceMiddleware({ agentId: "tester", capability: "unit.run", runtime });
    const { names } = await expectAgentGated(
      ({ tools, middleware }) => ({ tools, middleware: [...middleware, gate] }),
      one,
    );
    for (const name of names.filter((check) => check !== "its denied arguments")) {
      expect(problemsOf(findings, name), name).toContainEqual(expect.stringMatching(problem));
    }
  });

  it("comes first", async () => {
    const { runtime } = openGate();
    const gate = capfenceMiddleware({ agentId: "tester", capability: "unit.run", runtime });
    const findings = await findingsOf(
      expectAgentGated(({ tools, middleware }) => ({ tools, middleware: [gate, ...middleware] }), one),
    );
    expect(problemsOf(findings, "put in another's place by middleware, invoke")).toContain(RAN);
    expect(problemsOf(findings, "handed in at the call by middleware, invoke").join()).toContain("what reached");
  });

  it("judges the raw arguments of a call", async () => {
    const raw = createMiddleware({
      name: "raw",
      wrapToolCall: (request, handler) => {
        if (!JSON.stringify(request.toolCall.args).includes(FORBIDDEN)) return handler(request);
        return new ToolMessage({ content: "no", tool_call_id: request.toolCall.id ?? "" });
      },
    });
    // One of the kit's own kinds, so that nobody has to bring a schema that transforms.
    const decoding = toolFactories.filter(({ name }) => name === "a schema that decodes");
    const findings = await findingsOf(
      expectAgentGated(({ tools, middleware }) => ({ tools, middleware: [...middleware, raw] }), { tools: decoding }),
    );
    expect(problemsOf(findings, "one of the agent's tools, invoke")).toContain(RAN);
  });
});

/** Middleware that answers every call itself. */
function answering(
  make: (id: string) => { content: string; tool_call_id: string },
): ReturnType<typeof createMiddleware> {
  return createMiddleware({
    name: "answering",
    wrapToolCall: ({ toolCall }) => new ToolMessage(make(toolCall.id ?? "")),
  }) as ReturnType<typeof createMiddleware>;
}

it("every check of the kit fails for some gate of these", async () => {
  const gate = openGate();
  const { names } = await expectGated((inner) => gate.wrap(inner), {
    tools: [kind("DynamicTool"), EVERY_FIELD],
  });
  const covered = new Set([
    ...ROWS.map(({ check }) => check),
    ...[...entrances(kind("DynamicTool"))].map(({ name }) => name),
    "its denied arguments",
  ]);
  expect(names.filter((name) => !covered.has(name))).toEqual([]);
});

it("the kit's errors name what was found, and how much was tried", () => {
  const findings = Array.from({ length: 50 }, (_, index) => ({ subject: "a tool", check: `${index}`, problem: "ran" }));
  const error = new ConformanceError(findings, 100);
  expect(error.message).toMatch(/^50 of 100 checks failed\.\n {2}a tool › 0: ran\n[^]* {2}and 10 more$/);
  expect(error).not.toBeInstanceOf(AgentActionBlocked);
});
