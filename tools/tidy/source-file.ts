/**
 * Reads one source file into the facts that the rules judge: imports, names used, functions. Judges
 * nothing itself.
 */
import { type Node, parseSync } from "oxc-parser";

/** One import or re-export of another module. */
export interface ImportFact {
  readonly specifier: string;
  readonly line: number;
  /** Names imported as values; `*` stands for all of them. Empty: types only. */
  readonly values: readonly string[];
}

/** A name used as a value or type: `Date`, `Math.random`; `async` and `await` count as names. */
export interface NameFact {
  readonly name: string;
  readonly line: number;
}

export interface FunctionFact {
  readonly name: string;
  readonly line: number;
  readonly lineCount: number;
  /** The callback of a `describe`: a chapter of tests, not a function one reads in a sitting. */
  readonly isSuite: boolean;
}

export interface SourceFile {
  /** From the root of the workspace, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly ImportFact[];
  readonly names: readonly NameFact[];
  readonly functions: readonly FunctionFact[];
  readonly defaultExportLines: readonly number[];
  readonly syntaxErrors: readonly string[];
}

/** Parses a source file; syntax errors are facts, not exceptions. */
export function readSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text, { lang: "ts", sourceType: "module" });
  const collector = new Collector(text);
  collector.visit(parsed.program, []);
  return {
    path,
    text,
    lines: text.split("\n"),
    imports: collector.imports,
    names: collector.names,
    functions: collector.functions,
    defaultExportLines: collector.defaultExportLines,
    syntaxErrors: parsed.errors.map((error) => error.message),
  };
}

/**
 * Fields that hold a name which is not a use of that name: `{ process: 1 }`, `x.process`, labels.
 */
const plainNames: Readonly<Record<string, readonly string[]>> = {
  Property: ["key"],
  MethodDefinition: ["key"],
  PropertyDefinition: ["key"],
  AccessorProperty: ["key"],
  TSPropertySignature: ["key"],
  TSMethodSignature: ["key"],
  TSEnumMember: ["id"],
  MemberExpression: ["property"],
  TSNamedTupleMember: ["label"],
  TSQualifiedName: ["right"],
  LabeledStatement: ["label"],
  BreakStatement: ["label"],
  ContinueStatement: ["label"],
};

/** Nodes whose names are not looked at: those of imports and re-exports are facts of their own. */
const opaque = new Set(["ImportDeclaration", "ExportAllDeclaration", "ExportSpecifier"]);
const functionTypes = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
]);
/** Objects whose properties are the globals themselves. */
const globalObjects = new Set(["globalThis", "window", "self", "global"]);

class Collector {
  readonly imports: ImportFact[] = [];
  readonly names: NameFact[] = [];
  readonly functions: FunctionFact[] = [];
  readonly defaultExportLines: number[] = [];
  readonly #lineStarts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.#lineStarts.push(at + 1);
    }
  }

  /** Depth first; `parents` is the way from the root, the nearest last. */
  visit(node: Node, parents: readonly Node[]): void {
    this.#note(node, parents);
    if (opaque.has(node.type)) return;
    const skipped = isComputed(node) ? [] : (plainNames[node.type] ?? []);
    const way = [...parents, node];
    for (const [field, value] of Object.entries(node)) {
      if (skipped.includes(field)) continue;
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) this.visit(child, way);
      }
    }
  }

  #note(node: Node, parents: readonly Node[]): void {
    const line = this.#lineOf(node.start);
    this.#noteModule(node, line);
    this.#noteName(node, line);
    if (functionTypes.has(node.type)) {
      const parent = parents.at(-1);
      this.functions.push({
        name: nameOfFunction(node, parent),
        line,
        lineCount: this.#lineOf(node.end) - line + 1,
        isSuite: parent?.type === "CallExpression" && rootName(parent.callee) === "describe",
      });
    }
  }

  #noteModule(node: Node, line: number): void {
    if (node.type === "ImportDeclaration") {
      const values = node.importKind === "type" ? [] : node.specifiers.flatMap(importedValue);
      const isBare = node.specifiers.length === 0;
      this.imports.push({
        specifier: node.source.value,
        line,
        values: isBare && node.importKind !== "type" ? ["*"] : values,
      });
    } else if (node.type === "ExportAllDeclaration") {
      const values = node.exportKind === "type" ? [] : ["*"];
      this.imports.push({ specifier: node.source.value, line, values });
    } else if (node.type === "ExportNamedDeclaration" && node.source !== null) {
      const values = node.specifiers
        .filter((each) => node.exportKind !== "type" && each.exportKind !== "type")
        .map((each) => nameOfModuleName(each.local));
      this.imports.push({ specifier: node.source.value, line, values });
    } else if (node.type === "ImportExpression") {
      this.imports.push({ specifier: textOf(node.source) ?? "(computed)", line, values: ["*"] });
    } else if (node.type === "TSImportType") {
      this.imports.push({ specifier: node.source.value, line, values: [] });
    } else if (node.type === "ExportDefaultDeclaration") {
      this.defaultExportLines.push(line);
    }
  }

  #noteName(node: Node, line: number): void {
    if (node.type === "Identifier") this.names.push({ name: node.name, line });
    if (node.type === "AwaitExpression") this.names.push({ name: "await", line });
    if (node.type === "ForOfStatement" && node.await) this.names.push({ name: "await", line });
    if (node.type === "VariableDeclaration" && node.kind === "await using") {
      this.names.push({ name: "await", line });
    }
    if (functionTypes.has(node.type) && "async" in node && node.async === true) {
      this.names.push({ name: "async", line });
    }
    if (node.type === "MemberExpression") this.#noteMember(node, line);
  }

  #noteMember(node: Extract<Node, { type: "MemberExpression" }>, line: number): void {
    const property = propertyName(node);
    const object = rootName(node.object);
    if (property === null || object === null) return;
    this.names.push({ name: `${object}.${property}`, line });
    if (globalObjects.has(object)) this.names.push({ name: property, line });
  }

  /** Counted from 1. */
  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function isComputed(node: Node): boolean {
  return "computed" in node && node.computed === true;
}

type ImportSpecifiers = Extract<Node, { type: "ImportDeclaration" }>["specifiers"];

function importedValue(specifier: ImportSpecifiers[number]): string[] {
  if (specifier.type === "ImportNamespaceSpecifier") return ["*"];
  if (specifier.type === "ImportDefaultSpecifier") return ["default"];
  return specifier.importKind === "type" ? [] : [nameOfModuleName(specifier.imported)];
}

function nameOfModuleName(node: Node): string {
  if (node.type === "Identifier") return node.name;
  return node.type === "Literal" ? String(node.value) : "*";
}

function propertyName(node: Extract<Node, { type: "MemberExpression" }>): string | null {
  if (!node.computed) return node.property.type === "Identifier" ? node.property.name : null;
  return textOf(node.property);
}

/** The value of a string literal, else null. */
function textOf(node: Node): string | null {
  return node.type === "Literal" && typeof node.value === "string" ? node.value : null;
}

/** The leftmost name of `a.b(c).d`: `a`. */
function rootName(node: Node): string | null {
  if (node.type === "Identifier") return node.name;
  if (node.type === "MemberExpression") return rootName(node.object);
  if (node.type === "CallExpression") return rootName(node.callee);
  return null;
}

function nameOfFunction(node: Node, parent: Node | undefined): string {
  if ("id" in node && isNode(node.id) && node.id.type === "Identifier") return node.id.name;
  if (parent === undefined) return "(anonymous)";
  for (const field of ["key", "id"] as const) {
    if (!(field in parent)) continue;
    const name: unknown = Reflect.get(parent, field);
    if (isNode(name) && (name.type === "Identifier" || name.type === "PrivateIdentifier")) {
      return name.name;
    }
  }
  return "(anonymous)";
}
