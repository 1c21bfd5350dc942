/** Each rule of tidy finds its planted example, and leaves the good one beside it alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyExemptions, checkFile, checkTree } from "./tidy/check-tree.ts";
import { describeViolation } from "./tidy/violation.ts";

/** The rules that a text breaks at a path, each with its message. */
function judge(path: string, text: string): string[] {
  return checkFile(path, text, ["/data9/"]).map(({ rule, message }) => `${rule}: ${message}`);
}

const core = "packages/raft/src/core/x.ts";

describe("layers", () => {
  const arrow = (room: string, specifier: string, what = "{ a }", pack = "raft"): string[] =>
    judge(`packages/${pack}/src/${room}/x.ts`, `import ${what} from "${specifier}";\n`);

  it.each([
    ["base", "../core/index.ts"],
    ["core", "../ports/index.ts"],
    ["ports", "../core/index.ts"],
    ["storage", "../transport/index.ts"],
    ["transport", "../storage/index.ts"],
    ["machine", "../ports/index.ts"],
    ["node", "../testing/index.ts"],
    ["node", "../sim/index.ts"],
    ["storage", "../ports/os/index.ts"],
  ])("the library's %s may not import %s", (room, specifier) => {
    expect(arrow(room, specifier)).toEqual([expect.stringMatching(/^layer: /)]);
  });

  it.each([
    ["proto", "../kv/index.ts"],
    ["kv", "../rpc/index.ts"],
    ["rpc", "../proto/index.ts"],
    ["server", "../cli/index.ts"],
    ["cli", "../kv/index.ts"],
  ])("the server's %s may not import %s", (room, specifier) => {
    expect(arrow(room, specifier, "{ a }", "quorate")).toEqual([expect.stringMatching(/^layer: /)]);
  });

  it.each([
    ["core", "../base/index.ts", "{ a }"],
    ["storage", "../ports/index.ts", "{ a }"],
    ["storage", "../core/index.ts", "type { Entry }"],
    ["storage", "../core/index.ts", "{ type Entry, encodeConfiguration }"],
    ["node", "../core/index.ts", "{ step }"],
    ["node", "../ports/os/index.ts", "{ a }"],
    ["testing", "../node/index.ts", "{ a }"],
  ])("the library's %s may import %s as %s", (room, specifier, what) => {
    expect(arrow(room, specifier, what)).toEqual([]);
  });

  it.each(["storage", "transport", "machine"])("%s takes only types of the core", (room) => {
    expect(arrow(room, "../core/index.ts", "{ step, type Entry }")).toEqual([
      `layer: ${room} may import core's types only, not step; use \`import type\``,
    ]);
    expect(arrow(room, "../core/index.ts", "* as core")).toHaveLength(1);
  });

  it("follows re-exports and import() too", () => {
    expect(judge(core, 'export * from "../node/index.ts";\n')).toHaveLength(1);
    expect(judge(core, 'export { a } from "../node/index.ts";\n')).toHaveLength(1);
    expect(judge(core, 'export type A = import("../node/index.ts").A;\n')).toHaveLength(1);
    expect(judge(core, 'export const a = import("../node/index.ts");\n')).toHaveLength(1);
  });

  it("refuses a room that is not in the plan", () => {
    expect(arrow("helpers", "../base/index.ts")).toEqual([
      expect.stringContaining("the room helpers is not in the plan"),
    ]);
  });

  it("lets the root of a package and tests import everything", () => {
    const text = 'import { a } from "./node/index.ts";\n';
    expect(judge("packages/raft/src/index.ts", text)).toEqual([]);
    const inside = 'import { a } from "../node/run.ts";\n';
    expect(judge("packages/raft/src/core/x.test.ts", inside)).toEqual([]);
  });
});

describe("doors and packages", () => {
  it("a room is entered through its index.ts", () => {
    expect(judge(core, 'import { a } from "../base/assert.ts";\n')).toEqual([
      'door: "../base/assert.ts": base is entered through base/index.ts only',
    ]);
    expect(judge(core, 'import { a } from "./log.ts";\n')).toEqual([]);
    const inner = 'import type { Clock } from "../clock.ts";\n';
    expect(judge("packages/raft/src/ports/os/clock.ts", inner)).toEqual([]);
  });

  it("a package is entered by its name", () => {
    const text = 'import { a } from "../../../raft/src/index.ts";\n';
    expect(judge("packages/quorate/src/server/x.ts", text)).toEqual([
      expect.stringMatching(/^package: .*import the package by its name/),
    ]);
  });

  it("the library has no dependency, and only server and cli meet packages", () => {
    const text = 'import { a } from "commander";\n';
    expect(judge(core, text)).toEqual([expect.stringMatching(/^package: .*no dependency/)]);
    expect(judge("packages/quorate/src/kv/x.ts", text)).toHaveLength(1);
    expect(judge("packages/quorate/src/rpc/x.ts", text)).toHaveLength(1);
    expect(judge("packages/quorate/src/cli/x.ts", text)).toEqual([]);
  });
});

describe("purity", () => {
  it.each([
    "Date.now()",
    "new Date()",
    "performance.now()",
    "Math.random()",
    "crypto.randomUUID()",
    "setTimeout(f, 1)",
    "setInterval(f, 1)",
    "setImmediate(f)",
    "queueMicrotask(f)",
    "process.pid",
    "globalThis.setTimeout(f, 1)",
    'globalThis["Date"]',
    "console.log(1)",
    "Buffer.from([])",
  ])("bans %s inside, with the replacement", (expression) => {
    const found = judge(core, `export const a = ${expression};\n`);
    expect(found).toEqual([expect.stringMatching(/^purity: \S+: \w+/)]);
    expect(judge("packages/raft/src/ports/os/x.ts", `export const a = ${expression};\n`)).toEqual(
      [],
    );
  });

  it("bans Node's modules inside and a shadowed global", () => {
    expect(judge(core, 'import { a } from "node:fs";\n')).toEqual([
      expect.stringMatching(/^purity: "node:fs": use the ports/),
    ]);
    expect(judge(core, 'import { a } from "fs";\n')).toEqual([
      expect.stringMatching(/^package: write "node:fs"/),
    ]);
    expect(judge(core, "const { setTimeout } = world;\n")).not.toEqual([]);
  });

  it("knows a property from a global", () => {
    const text = "export const a = { process: 1, Date: 2 }.process + b.crypto + b.random;\n";
    expect(judge(core, text)).toEqual([]);
    expect(judge(core, "export interface A {\n  readonly performance: number;\n}\n")).toEqual([]);
  });

  it.each(["core", "storage", "transport", "base", "ports"])("bans promises in %s", (room) => {
    const path = `packages/raft/src/${room}/x.ts`;
    for (const text of [
      "export async function f() {}\n",
      "export const p = Promise.resolve();\n",
      "export function f(): Promise<void> {}\n",
      "for await (const a of b) f(a);\n",
    ]) {
      expect(judge(path, text)).not.toEqual([]);
    }
    expect(judge("packages/raft/src/node/x.ts", "export async function f() {}\n")).toEqual([]);
  });

  it("allows the edges of the server what they are for, and no more", () => {
    const rpc = "packages/quorate/src/rpc/x.ts";
    expect(judge(rpc, 'import { connect } from "node:http2";\n')).toEqual([]);
    expect(judge(rpc, "export const a = Math.random();\n")).toHaveLength(1);
    expect(judge("packages/quorate/src/kv/x.ts", "export const a = Date.now();\n")).toHaveLength(1);
    expect(judge("packages/quorate/src/cli/x.ts", "export const a = Date.now();\n")).toEqual([]);
  });
});

describe("sizes", () => {
  it("a file ends at 600 lines", () => {
    expect(judge(core, "f();\n".repeat(600))).toEqual([]);
    expect(judge(core, "f();\n".repeat(601))).toEqual([expect.stringMatching(/^file-size: 601/)]);
  });

  it("a function ends at 70 lines, whatever its form", () => {
    const long = (inner: number): string => "  f();\n".repeat(inner);
    expect(judge(core, `function a() {\n${long(68)}}\n`)).toEqual([]);
    for (const [head, tail] of [
      ["function a() {", "}"],
      ["const a = () => {", "};"],
      ["class B { a() {", "} }"],
      ["const b = { a: function () {", "} };"],
    ]) {
      const found = judge(core, `${head}\n${long(69)}${tail}\n`);
      expect(found).toEqual(["function-size: a has 71 lines, over 70; split it by step"]);
    }
    expect(judge("tools/x.test.ts", `describe("a", () => {\n${long(100)}});\n`)).toEqual([]);
  });

  it("a line ends at column 100", () => {
    expect(judge(core, `// ${"a".repeat(97)}\n`)).toEqual([]);
    expect(judge(core, `// ${"é".repeat(98)}\n`)).toEqual([expect.stringMatching(/^line-width/)]);
    expect(judge(core, `// https://example.org/${"a".repeat(98)}\n`)).toEqual([]);
  });
});

describe("tests", () => {
  const path = "packages/raft/src/core/x.test.ts";

  it.each(["it.only", "test.skip", "describe.skip", "it.todo", "it.fails", "xit", "fdescribe"])(
    "may not use %s",
    (name) => {
      expect(judge(path, `${name}("a", () => {});\n`)).toEqual([
        expect.stringMatching(/^test-left-out/),
      ]);
    },
  );

  it("may leave out only what needs a Debian program", () => {
    const text = 'describe.skipIf(true)("a", () => {});\n';
    expect(judge(path, text)).toHaveLength(1);
    const asked = `import { requireProgram } from "../../../tools/debian-programs.ts";\n${text}`;
    expect(judge("packages/quorate/test/interop/x.test.ts", asked)).toEqual([]);
  });

  it("do not mock our own code", () => {
    expect(judge(path, 'vi.mock("./log.ts");\n')).toEqual([expect.stringMatching(/^test-mock/)]);
  });
});

describe("words, paths and exports", () => {
  it("no left-over words, in code or prose", () => {
    const word = ["TO", "DO"].join("");
    expect(judge(core, `// ${word}: later\n`)).toEqual([expect.stringMatching(/^left-over-word/)]);
    expect(judge("README.md", `${word}\n`)).toHaveLength(1);
    expect(judge(core, "// to do it right\n")).toEqual([]);
  });

  it("no path of one machine, and no link out of the repository", () => {
    expect(judge("docs/a.md", "see /data9/x\n")).toEqual([expect.stringMatching(/^host-path/)]);
    expect(judge("docs/a.md", `see ${["/ho", "me/anna/x"].join("")}\n`)).toHaveLength(1);
    expect(judge("docs/a.md", "see [b](../../b.md)\n")).toEqual([
      'host-path: "../../b.md" leaves the repository',
    ]);
    expect(judge("docs/a.md", "see [b](../b.md) in /var/lib/x\n")).toEqual([]);
  });

  it("no default export, config files excepted", () => {
    expect(judge(core, "export default 1;\n")).toEqual([expect.stringMatching(/^default-export/)]);
    expect(judge("vitest.config.ts", "export default 1;\n")).toEqual([]);
  });

  it("reports what it cannot read", () => {
    expect(judge(core, "const = ;\n")[0]).toMatch(/^syntax: /);
  });
});

describe("exemptions", () => {
  const violation = { rule: "file-size", path: core, line: 601, message: "too long" } as const;

  it("exempt one rule in one file", () => {
    const exemption = { rule: "file-size", path: core, reason: "a table" } as const;
    expect(applyExemptions([violation], [exemption])).toEqual([]);
    expect(applyExemptions([violation], [{ ...exemption, path: "other.ts" }])).toHaveLength(2);
  });

  it("are out of place when they exempt nothing", () => {
    const idle = { rule: "door", path: core, reason: "none" } as const;
    expect(applyExemptions([], [idle]).map(describeViolation)).toEqual([
      `${core}:1 exemption: nothing to exempt from door; remove it from tools/tidy/exemptions.ts`,
    ]);
  });
});

describe("the tree", () => {
  it("is read without what is installed, built or hidden", () => {
    const root = mkdtempSync(join(tmpdir(), "quorate-tidy-"));
    try {
      const bad = "export default 1;\n";
      for (const path of [
        "tools/a.ts",
        "node_modules/b/b.ts",
        "packages/raft/dist/c.js",
        ".d/d.ts",
      ]) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), bad);
      }
      expect(checkTree(root, []).map(({ path }) => path)).toEqual(["tools/a.ts"]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
