import fc from "fast-check";
import * as codecs from "../../src/proto/codecs.ts";
import { type Field, schema } from "../../src/proto/schema.ts";

/** For tests: any message of the schema as a random object, and its codecs by name. */

/** A message whose type is known by name only. */
export type AnyMessage = Record<string, unknown>;

export interface AnyCodec {
  readonly encode: (message: AnyMessage) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => AnyMessage;
}

export const messageNames: readonly string[] = Object.keys(schema.messages);

/** @throws Error for a name that is not in the schema. */
export function codecOf(name: string): AnyCodec {
  const exports = codecs as unknown as Record<string, unknown>; // looked up by generated name
  const encode = exports[`encode${name}`];
  const decode = exports[`decode${name}`];
  if (typeof encode !== "function" || typeof decode !== "function") {
    throw new Error(`no codec for ${name}`);
  }
  return {
    encode: encode as AnyCodec["encode"], // generated: one argument, bytes out
    decode: decode as AnyCodec["decode"], // generated: bytes in, object out
  };
}

const safeInteger = fc.oneof(
  fc.integer({ min: -3, max: 300 }),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 32), Number.MAX_SAFE_INTEGER),
);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 300 }));
const uint64Id = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const int64Id = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

const scalars = {
  bytes,
  string: fc.string({ unit: "binary", maxLength: 40 }),
  bool: fc.boolean(),
  int64: safeInteger,
  uint64: safeInteger.map((value) => Math.abs(value)),
  int64Id,
  uint64Id,
};

const zeros = { bytes: new Uint8Array(0), string: "", bool: false, int64: 0, uint64: 0 };
const idZeros = { int64Id: 0n, uint64Id: 0n };

/** @param depth How many more levels may hold operations; at 0 lists of choices are empty. */
export function messageArbitrary(name: string, depth = 2): fc.Arbitrary<AnyMessage> {
  const shape = schema.messages[name];
  if (shape === undefined) throw new Error(`no message ${name}`);
  if (shape.kind === "choices") {
    const options: fc.Arbitrary<AnyMessage>[] = shape.choices.map((choice) =>
      fc.record({
        kind: fc.constant(choice.kind),
        [shape.property]: messageArbitrary(choice.message, depth - 1),
      }),
    );
    if (shape.mayBeNone) options.push(fc.constant({ kind: "none" }));
    return fc.oneof(...options);
  }
  const parts = shape.fields.map((field) => [field.name, fieldArbitrary(field, depth)]);
  return fc.record(Object.fromEntries(parts)).map((message) => keepChosen(shape.fields, message));
}

function fieldArbitrary(field: Field, depth: number): fc.Arbitrary<unknown> {
  const { type } = field;
  switch (type.kind) {
    case "scalar":
      return scalars[type.scalar];
    case "enum":
      return fc.constantFrom(...(schema.enums[type.names] ?? []));
    case "message":
      return fc.option(messageArbitrary(type.message, depth), { nil: null });
    case "repeated-string":
      return fc.array(scalars.string, { maxLength: 3 });
    case "repeated-message": {
      const isChoice = schema.messages[type.message]?.kind === "choices";
      if (isChoice && depth <= 0) return fc.constant([]);
      return fc.array(messageArbitrary(type.message, depth), { maxLength: 3 });
    }
  }
}

/**
 * Resets the members of a flat oneof that are not chosen: only such objects come out of a decoder.
 */
function keepChosen(fields: readonly Field[], message: AnyMessage): AnyMessage {
  const kept = { ...message };
  for (const { name, type, chosenBy } of fields) {
    if (chosenBy === undefined || kept[chosenBy.property] === chosenBy.value) continue;
    if (type.kind === "scalar") kept[name] = { ...zeros, ...idZeros }[type.scalar];
  }
  return kept;
}
