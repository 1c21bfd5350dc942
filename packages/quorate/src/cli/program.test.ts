import { describe, expect, it } from "vitest";
import { noColours } from "./output/colours.ts";
import { runProgram } from "./program.ts";
import type { Terminal } from "./terminal.ts";

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line that needs no member. */
async function run(...args: string[]): Promise<Told> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    print: (data) => {
      out += typeof data === "string" ? data : new TextDecoder().decode(data);
    },
    say: (text) => {
      err += text;
    },
    readInput: () => Promise.resolve(new Uint8Array()),
    readLines: () => Promise.resolve(),
    isInputPerson: false,
    isPrintPerson: false,
    isSayPerson: false,
    width: 80,
    printColours: noColours,
    sayColours: noColours,
    environment: {},
  };
  const code = await runProgram(args, terminal);
  return { code, out, err };
}

const commands = [
  [],
  ["dev"],
  ["server"],
  ["put"],
  ["get"],
  ["del"],
  ["txn"],
  ["member"],
  ["member", "list"],
  ...["add", "promote", "remove", "replace", "update"].map((name) => ["member", name]),
  ["move-leader"],
  ["status"],
  ["replay"],
  ["recover"],
  ["snapshot"],
  ["snapshot", "save"],
  ["snapshot", "status"],
  ["snapshot", "restore"],
];

describe("help", () => {
  it.each(commands.map((command) => [command]))("of %j fits 80 columns", async (command) => {
    const { code, out, err } = await run(...command, "--help");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^Usage: quorate/);
    for (const line of out.split("\n")) expect([line.length <= 80, line]).toEqual([true, line]);
  });

  it("lists every command, and those only", async () => {
    const { out } = await run("--help");
    const [, list = ""] = /\nCommands:\n([\s\S]*?)\n\n/.exec(out) ?? [];
    expect(list.split("\n").map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
      "dev",
      "server",
      "put KEY [VALUE]",
      "get KEY [RANGE_END]",
      "del KEY [RANGE_END]",
      "txn",
      "member list|add|…",
      "move-leader MEMBER",
      "status",
      "replay FILE",
      "recover DIR",
      "snapshot save|status|restore",
    ]);
  });

  it("comes on stderr, with 2, where a command is missing", async () => {
    expect(await run()).toMatchObject({ code: 2, out: "" });
    expect(await run("member")).toMatchObject({ code: 2, out: "" });
  });

  it("of server names etcd's defaults", async () => {
    const { out } = await run("server", "--help");
    const flat = out.replace(/\s+/g, " ");
    for (const text of [
      "--listen-client-urls <urls> where it serves clients (http://localhost:2379)",
      "--election-timeout <ms> without a leader until an election (1000)",
      "--initial-cluster-token <text> sets this cluster apart from others (etcd-cluster)",
    ]) {
      expect(flat).toContain(text);
    }
  });
});

it("--version names us and etcd", async () => {
  const { code, out } = await run("--version");
  expect(code).toBe(0);
  expect(out).toMatch(/^quorate \d+\.\d+\.\d+\nspeaks etcd 3\.4\.23 \(API v3\)\n$/);
});

describe("a wrong command line ends with 2 and says", () => {
  it.each<[string[], string]>([
    [["gte", "a"], "quorate: unknown command 'gte'\n  Did you mean get?\n"],
    [["get", "a", "--prefx"], "quorate: unknown option '--prefx'\n  Did you mean --prefix?\n"],
    [["get"], "quorate: missing required argument 'key'\n"],
    [
      ["put", "a", "-x"],
      "quorate: unknown option '-x'\n  What begins with a dash and is no flag comes after --\n",
    ],
    [["put", "a"], 'quorate: put "a" needs a value\n  Write:  quorate put KEY VALUE\n'],
    [
      ["get", "a", "--limit", "x"],
      "quorate: option '--limit <count>' argument 'x' is invalid. Write a whole number\n" +
        "  from 0 to 9007199254740991.\n",
    ],
    [
      ["get", "a", "-o", "yaml"],
      "quorate: option '-o, --output <form>' argument 'yaml' is invalid. Allowed\n" +
        "  choices are simple, json.\n",
    ],
    [
      ["status", "--command-timeout", "soon"],
      "quorate: option '--command-timeout <time>' argument 'soon' is invalid. Write 5s,\n" +
        "  500ms or a number of milliseconds, at most an hour.\n",
    ],
    [
      ["server", "--endpoints", "a:1"],
      "quorate: server takes no --endpoints: it is for the commands of clients\n",
    ],
    [
      ["server", "--memory", "--data-dir", "x"],
      "quorate: option '--memory' cannot be used with option '--data-dir <dir>'\n",
    ],
    [
      ["server", "--join", "a:1", "--initial-cluster", "b=http://b:1"],
      "quorate: option '--join <addresses>' cannot be used with option\n" +
        "  '--initial-cluster <members>'\n",
    ],
    [
      ["member", "add", "d"],
      "quorate: the member's address is missing\n  Write:  --address HOST:PORT\n",
    ],
    [["member", "replace", "d"], "quorate: missing required argument 'new'\n"],
    [
      ["server", "--log-level", "loud"],
      "quorate: option '--log-level <level>' argument 'loud' is invalid. Write one of\n" +
        "  debug, info, warn, error.\n",
    ],
  ])("%j", async (args, text) => {
    expect(await run(...args)).toEqual({ code: 2, out: "", err: text });
  });
});

describe("a member that cannot start ends with 1 and names the flag", () => {
  it.each<[string[], string]>([
    [["--listen-peer-urls", "https://127.0.0.1:1"], "--listen-peer-urls"],
    [["--initial-cluster", "b=http://127.0.0.1:1"], "--name"],
    [["--initial-cluster", "nonsense"], "--initial-cluster nonsense"],
    [["--listen-client-urls", "here"], '--listen-client-urls "here"'],
    [["--election-timeout", "200"], "--election-timeout 200"],
    [["--join", "nonsense//"], "--join nonsense//"],
    [["--name", "a", "--initial-cluster-state", "existing"], "--initial-cluster"],
  ])("%j", async (args, text) => {
    const { code, out, err } = await run("server", "--memory", ...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(`quorate: BAD_CONFIG  Cannot start with ${text}`);
  });
});
