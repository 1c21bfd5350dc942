import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import {
  type AnyMessage,
  codecOf,
  messageArbitrary,
  messageNames,
} from "../../test/proto/schema-arbitraries.ts";
import { type Field, schema } from "./schema.ts";

/**
 * Our codecs against protobufjs, which reads the field numbers from the proto files of the npm
 * client: neither the schema nor the code is shared.
 */

const client = dirname(createRequire(import.meta.url).resolve("etcd3/package.json"));
const root = protobuf.loadSync(join(client, "proto", "rpc.proto"));

/** The messages that etcd calls otherwise. */
const etcdNames: Readonly<Record<string, string>> = { ClusterMember: "Member" };
const etcdMessages = messageNames.filter((name) => !/^(HealthCheck|Operator)/.test(name));

function toProtobufjs(name: string, message: AnyMessage): AnyMessage {
  const shape = schema.messages[name];
  if (shape === undefined) throw new Error(`no message ${name}`);
  if (shape.kind === "fields") {
    const present = shape.fields.filter((field) => isWritten(field, message));
    return Object.fromEntries(
      present.map((field) => [field.name, theirValue(field, message[field.name])]),
    );
  }
  const choice = shape.choices.find((candidate) => candidate.kind === message["kind"]);
  if (choice === undefined) return {};
  const inner = message[shape.property] as AnyMessage; // a choice holds a message there
  const word = choice.kind.replace(/-(.)/, (_, letter: string) => letter.toUpperCase());
  const key = `${shape.property}${word[0]?.toUpperCase()}${word.slice(1)}`;
  return { [key]: toProtobufjs(choice.message, inner) };
}

function isWritten({ name, type, chosenBy }: Field, message: AnyMessage): boolean {
  if (chosenBy !== undefined) return message[chosenBy.property] === chosenBy.value;
  const value = message[name];
  if (type.kind === "enum") return value !== schema.enums[type.names]?.[0];
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length > 0;
  return value !== null && value !== 0 && value !== 0n && value !== false && value !== "";
}

function theirValue(field: Field, value: unknown): unknown {
  const { type } = field;
  switch (type.kind) {
    case "enum":
      return schema.enums[type.names]?.indexOf(String(value));
    case "message":
      return toProtobufjs(type.message, value as AnyMessage); // the schema says so
    case "repeated-message":
      return (value as AnyMessage[]).map((item) => toProtobufjs(type.message, item)); // likewise
    case "repeated-string":
      return value;
    case "scalar": {
      // It takes 64-bit integers as decimal strings.
      return typeof value === "number" || typeof value === "bigint" ? String(value) : value;
    }
  }
}

describe.each(etcdMessages)("%s", (name) => {
  const type = root.lookupType(
    `etcdserverpb.${etcdNames[name] ?? name}`.replace("etcdserverpb.KeyValue", "mvccpb.KeyValue"),
  );
  const codec = codecOf(name);

  it("has the same bytes as protobufjs, both ways", () => {
    fc.assert(
      fc.property(messageArbitrary(name), (message) => {
        const theirs = type.encode(toProtobufjs(name, message)).finish();
        expect(Buffer.compare(codec.encode(message), theirs)).toBe(0);
        expect(codec.decode(theirs)).toEqual(message);
      }),
      { numRuns: 150 },
    );
  });
});
