import type { Choice, Field, MessageShape, ScalarType, Schema } from "./schema.ts";

/**
 * Writes the text of `codecs.ts` from the schema: for each message a reader and a writer in
 * straight-line code, and the exported `decode*` and `encode*`. It runs in a test only, which
 * compares, and rewrites the file when vitest is called with `--update`.
 */

const banner = `/**
 * Generated from \`schema.ts\` by \`generate-codecs.ts\`; do not edit.
 * To write it again: npx vitest run generate-codecs --project unit --update
 */
`;

/** As set in the formatter's configuration. */
const lineWidth = 100;

const wireTypes: Readonly<Record<ScalarType, number>> = {
  bytes: 2,
  string: 2,
  bool: 0,
  int64: 0,
  uint64: 0,
  int64Id: 0,
  uint64Id: 0,
};

const defaults: Readonly<Record<ScalarType, string>> = {
  bytes: "emptyBytes",
  string: '""',
  bool: "false",
  int64: "0",
  uint64: "0",
  int64Id: "0n",
  uint64Id: "0n",
};

const typeNames: Readonly<Record<ScalarType, string>> = {
  bytes: "Uint8Array",
  string: "string",
  bool: "boolean",
  int64: "number",
  uint64: "number",
  int64Id: "bigint",
  uint64Id: "bigint",
};

/** Returns the source text of the codecs, formatted as the formatter would. */
export function generateCodecs(schema: Schema): string {
  const parts = [banner, imports(schema), "const writer = new Writer();\n"];
  for (const [name, values] of Object.entries(schema.enums)) {
    parts.push(enumTable(name, values));
  }
  const merged = mergedMessages(schema);
  for (const [name, shape] of Object.entries(schema.messages)) {
    parts.push(shape.kind === "fields" ? fieldCodecs(name, shape.fields, merged, schema) : "");
    parts.push(shape.kind === "choices" ? choiceCodecs(name, shape) : "");
    parts.push(entryPoints(name));
  }
  return parts.filter((part) => part !== "").join("\n");
}

function imports(schema: Schema): string {
  const names = [...Object.keys(schema.enums), ...Object.keys(schema.messages)];
  // The formatter's order: upper case before lower, then as the alphabet goes.
  names.sort((a, b) => (a < b ? -1 : 1));
  return [
    `import type {\n${names.map((name) => `  ${name},\n`).join("")}} from "./messages.ts";`,
    'import { emptyBytes, Reader } from "./reader.ts";',
    'import { Writer } from "./writer.ts";\n',
  ].join("\n");
}

function enumTable(name: string, values: readonly string[]): string {
  const list = values.map((value) => `"${value}"`);
  return `${bracketed(`const names${name}: readonly ${name}[] = [`, list, "\n  ", "];")}\n`;
}

/** One line if it fits, else the items on lines of their own, `separator` between them. */
function bracketed(
  open: string,
  items: readonly string[],
  separator: string,
  close: string,
): string {
  const line = `${open}${items.join(", ")}${close}`;
  return line.length <= lineWidth ? line : `${open}\n  ${items.join(`,${separator}`)},\n${close}`;
}

/** Messages in fields that are not repeated: sent twice, the second is merged into the first. */
function mergedMessages(schema: Schema): ReadonlySet<string> {
  const names = new Set<string>();
  for (const shape of Object.values(schema.messages)) {
    for (const field of shape.kind === "fields" ? shape.fields : []) {
      if (field.type.kind === "message") names.add(field.type.message);
    }
  }
  return names;
}

function fieldCodecs(
  name: string,
  fields: readonly Field[],
  merged: ReadonlySet<string>,
  schema: Schema,
): string {
  const numbers = fields.map((field) => field.number);
  const parts = [fieldSet(name, numbers)];
  if (merged.has(name)) {
    const zeros = fields.map((field) => `  ${field.name}: ${defaultOf(field, schema)},\n`);
    parts.push(`const zero${name}: ${name} = {\n${zeros.join("")}};\n`);
  }
  parts.push(fieldReader(name, fields, merged, schema), fieldWriter(name, fields));
  return parts.join("\n");
}

function fieldSet(name: string, numbers: readonly number[]): string {
  const open = `const fields${name}: ReadonlySet<number> = new Set([`;
  return `${bracketed(open, numbers.map(String), " ", "]);")}\n`;
}

function fieldReader(
  name: string,
  fields: readonly Field[],
  merged: ReadonlySet<string>,
  schema: Schema,
): string {
  const isMerged = merged.has(name);
  const parameters = ["reader: Reader", "end: number"];
  if (isMerged) parameters.push(`base = zero${name}`);
  const lines = [bracketed(`function read${name}(`, parameters, "\n  ", `): ${name} {`)];
  for (const field of fields) {
    const start = isMerged ? `base.${field.name}` : defaultOf(field, schema);
    lines.push(`  ${declaration(field, start, isMerged)}`);
  }
  lines.push("  while (reader.position < end) {", "    const tag = reader.tag();");
  if (fields.length === 0) lines.push(`    reader.skip(tag, end, fields${name});`);
  else lines.push("    switch (tag) {");
  for (const field of fields) lines.push(...readCase(field, fields, schema));
  if (fields.length > 0) {
    lines.push("      default:", `        reader.skip(tag, end, fields${name});`, "    }");
  }
  lines.push("  }", "  reader.leave(end);");
  if (fields.length === 0) lines.push("  return {};");
  else lines.push("  return {", ...fields.map((field) => `    ${field.name},`), "  };");
  return `${lines.join("\n")}\n}\n`;
}

function declaration(field: Field, start: string, isMerged: boolean): string {
  switch (field.type.kind) {
    case "repeated-message":
    case "repeated-string":
      return `const ${field.name}: ${typeOf(field)} = ${isMerged ? `[...${start}]` : "[]"};`;
    case "scalar":
      return field.type.scalar === "bytes" || isMerged
        ? `let ${field.name}: ${typeOf(field)} = ${start};`
        : `let ${field.name} = ${start};`;
    default:
      return `let ${field.name}: ${typeOf(field)} = ${start};`;
  }
}

function readCase(field: Field, fields: readonly Field[], schema: Schema): string[] {
  const lines = [`      case ${tagOf(field)}:`];
  if (field.chosenBy !== undefined) {
    for (const other of fields) {
      const isSibling = other.chosenBy?.property === field.chosenBy.property && other !== field;
      if (isSibling) lines.push(`        ${other.name} = ${defaultOf(other, schema)};`);
    }
  }
  return [...lines, `        ${readStatement(field)}`, "        break;"];
}

function readStatement(field: Field): string {
  const { name, type } = field;
  switch (type.kind) {
    case "scalar":
      return `${name} = reader.${type.scalar}(${wireTypes[type.scalar] === 2 ? "end" : ""});`;
    case "enum":
      return `${name} = reader.enumeration(names${type.names});`;
    case "message":
      return `${name} = read${type.message}(reader, reader.enter(end), ${name} ?? undefined);`;
    case "repeated-message":
      return `${name}.push(read${type.message}(reader, reader.enter(end)));`;
    case "repeated-string":
      return `${name}.push(reader.string(end));`;
  }
}

function fieldWriter(name: string, fields: readonly Field[]): string {
  if (fields.length === 0) return `function write${name}(_message: ${name}): void {}\n`;
  const lines = [`function write${name}(message: ${name}): void {`];
  // Last field first: the writer works from the end to the start.
  for (const field of fields.toReversed()) lines.push(...writeStatements(field));
  return `${lines.join("\n")}\n}\n`;
}

function writeStatements(field: Field): string[] {
  const value = `message.${field.name}`;
  const tag = tagOf(field);
  const { type } = field;
  switch (type.kind) {
    case "scalar": {
      const call = type.scalar === "bool" ? `true(${tag})` : `${type.scalar}(${tag}, ${value})`;
      return [`  if (${presence(field, type.scalar)}) writer.${call};`];
    }
    case "enum":
      return [`  writer.enumeration(${tag}, ${value}, names${type.names});`];
    case "message":
      return [`  if (${value} !== null) {`, ...embed("    ", tag, type.message, value), "  }"];
    case "repeated-message":
      return [
        `  for (const item of ${value}.toReversed()) {`,
        ...embed("    ", tag, type.message, "item"),
        "  }",
      ];
    case "repeated-string":
      return [`  for (const item of ${value}.toReversed()) writer.string(${tag}, item);`];
  }
}

function presence(field: Field, type: ScalarType): string {
  if (field.chosenBy !== undefined) {
    return `message.${field.chosenBy.property} === "${field.chosenBy.value}"`;
  }
  const value = `message.${field.name}`;
  if (type === "bool") return value;
  return wireTypes[type] === 2 ? `${value}.length > 0` : `${value} !== ${defaults[type]}`;
}

function embed(indent: string, tag: number, message: string, value: string): string[] {
  return [
    `${indent}const mark = writer.mark();`,
    `${indent}write${message}(${value});`,
    `${indent}writer.embed(${tag}, mark);`,
  ];
}

function choiceCodecs(name: string, shape: MessageShape & { kind: "choices" }): string {
  const { choices, property, mayBeNone } = shape;
  const numbers = choices.map((choice) => choice.number);
  const start = mayBeNone ? `${name} = { kind: "none" }` : `${name} | null = null`;
  const lines = [
    fieldSet(name, numbers),
    `function read${name}(reader: Reader, end: number): ${name} {`,
    `  let message: ${start};`,
    "  while (reader.position < end) {",
    "    const tag = reader.tag();",
    "    switch (tag) {",
    ...choices.flatMap((choice) => readChoice(choice, property)),
    "      default:",
    `        reader.skip(tag, end, fields${name});`,
    "    }",
    "  }",
    "  reader.leave(end);",
    mayBeNone ? "  return message;" : `  return message ?? reader.refuseEmpty("${name}");`,
    "}\n",
    `function write${name}(message: ${name}): void {`,
    "  const mark = writer.mark();",
    "  switch (message.kind) {",
    ...choices.flatMap((choice) => writeChoice(choice, property)),
    ...(mayBeNone ? ['    case "none":', "      break;"] : []),
    "  }",
    "}\n",
  ];
  return lines.join("\n");
}

function readChoice(choice: Choice, property: string): string[] {
  return [
    `      case ${choice.number * 8 + 2}:`,
    "        message = {",
    `          kind: "${choice.kind}",`,
    `          ${property}: read${choice.message}(reader, reader.enter(end)),`,
    "        };",
    "        break;",
  ];
}

function writeChoice(choice: Choice, property: string): string[] {
  return [
    `    case "${choice.kind}":`,
    `      write${choice.message}(message.${property});`,
    `      writer.embed(${choice.number * 8 + 2}, mark);`,
    "      break;",
  ];
}

function entryPoints(name: string): string {
  return [
    `/** @throws ProtoError if these are not a ${name}. Its bytes fields are views. */`,
    `export function decode${name}(bytes: Uint8Array): ${name} {`,
    `  const reader = new Reader(bytes, "${name}");`,
    `  return read${name}(reader, reader.end);`,
    "}\n",
    "/** @throws ProtoError if a number does not fit its field. */",
    `export function encode${name}(message: ${name}): Uint8Array {`,
    "  writer.begin();",
    `  write${name}(message);`,
    "  return writer.finish();",
    "}\n",
  ].join("\n");
}

function tagOf(field: Field): number {
  const { type } = field;
  const isVarint = type.kind === "enum" || (type.kind === "scalar" && wireTypes[type.scalar] === 0);
  return field.number * 8 + (isVarint ? 0 : 2);
}

function typeOf(field: Field): string {
  const { type } = field;
  switch (type.kind) {
    case "scalar":
      return typeNames[type.scalar];
    case "enum":
      return type.names;
    case "message":
      return `${type.message} | null`;
    case "repeated-message":
      return `${type.message}[]`;
    case "repeated-string":
      return "string[]";
  }
}

function defaultOf(field: Field, schema: Schema): string {
  const { type } = field;
  switch (type.kind) {
    case "scalar":
      return defaults[type.scalar];
    case "enum":
      return `"${schema.enums[type.names]?.[0] ?? ""}"`;
    case "message":
      return "null";
    case "repeated-message":
    case "repeated-string":
      return "[]";
  }
}
