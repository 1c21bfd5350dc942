/**
 * The messages of etcd's v3 API as facts: field names, numbers and types. `generate-codecs.ts`
 * turns this table into `codecs.ts`; nothing reads it at run time. Names are those of
 * `messages.ts`, which the compiler holds the generated code to. @etcd api/etcdserverpb/rpc.proto,
 * api/mvccpb/kv.proto; grpc.health.v1. What is called `Operator…` is of our own service
 * `quorate.Members`, which knows members by their names.
 */

/**
 * How a field's value looks on the wire and in the object: `int64` and `uint64` are safe-integer
 * numbers, `int64Id` and `uint64Id` bigints.
 */
export type ScalarType = "bytes" | "string" | "bool" | "int64" | "uint64" | "int64Id" | "uint64Id";

export type FieldType =
  | { readonly kind: "scalar"; readonly scalar: ScalarType }
  | { readonly kind: "enum"; readonly names: string }
  | { readonly kind: "message"; readonly message: string }
  | { readonly kind: "repeated-message"; readonly message: string }
  | { readonly kind: "repeated-string" };

export interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
  /**
   * The field belongs to a oneof whose members stand side by side in the object: reading one resets
   * the others, and it is written exactly if this property has this value.
   */
  readonly chosenBy?: { readonly property: string; readonly value: string };
}

/** A oneof of messages as a union tagged `kind`. */
export interface Choice {
  readonly kind: string;
  readonly number: number;
  readonly message: string;
}

export type MessageShape =
  | { readonly kind: "fields"; readonly fields: readonly Field[] }
  | {
      readonly kind: "choices";
      /** The property beside `kind` that holds the message. */
      readonly property: string;
      readonly choices: readonly Choice[];
      /** Whether an empty oneof is read as `{ kind: "none" }`; otherwise it is refused. */
      readonly mayBeNone: boolean;
    };

export interface Schema {
  /** Enum names in the order of their numbers, from 0 without gaps. */
  readonly enums: Readonly<Record<string, readonly string[]>>;
  readonly messages: Readonly<Record<string, MessageShape>>;
}

function scalar(number: number, name: string, type: ScalarType): Field {
  return { name, number, type: { kind: "scalar", scalar: type } };
}

function enumeration(number: number, name: string, names: string): Field {
  return { name, number, type: { kind: "enum", names } };
}

function message(number: number, name: string, type: string): Field {
  return { name, number, type: { kind: "message", message: type } };
}

function repeated(number: number, name: string, type: string): Field {
  return { name, number, type: { kind: "repeated-message", message: type } };
}

function strings(number: number, name: string): Field {
  return { name, number, type: { kind: "repeated-string" } };
}

function fields(...list: Field[]): MessageShape {
  return { kind: "fields", fields: list };
}

/** A member of Compare's `target_union`. */
function target(number: number, name: string, type: ScalarType, value: string): Field {
  return { ...scalar(number, name, type), chosenBy: { property: "target", value } };
}

const header = message(1, "header", "ResponseHeader");

export const schema: Schema = {
  enums: {
    SortOrder: ["NONE", "ASCEND", "DESCEND"],
    SortTarget: ["KEY", "VERSION", "CREATE", "MOD", "VALUE"],
    CompareResult: ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"],
    CompareTarget: ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"],
    OperatorChange: ["LIST", "ADD", "PROMOTE", "DEMOTE", "REMOVE", "REPLACE", "UPDATE"],
    OperatorRole: ["VOTER", "LEARNER", "JOINING", "LEAVING"],
    OperatorAddAs: ["PROMOTED_LEARNER", "LEARNER", "VOTER"],
    ServingStatus: ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"],
  },
  messages: {
    ResponseHeader: fields(
      scalar(1, "clusterId", "uint64Id"),
      scalar(2, "memberId", "uint64Id"),
      scalar(3, "revision", "int64"),
      scalar(4, "raftTerm", "uint64"),
    ),
    KeyValue: fields(
      scalar(1, "key", "bytes"),
      scalar(2, "createRevision", "int64"),
      scalar(3, "modRevision", "int64"),
      scalar(4, "version", "int64"),
      scalar(5, "value", "bytes"),
      scalar(6, "lease", "int64Id"),
    ),
    RangeRequest: fields(
      scalar(1, "key", "bytes"),
      scalar(2, "rangeEnd", "bytes"),
      scalar(3, "limit", "int64"),
      scalar(4, "revision", "int64"),
      enumeration(5, "sortOrder", "SortOrder"),
      enumeration(6, "sortTarget", "SortTarget"),
      scalar(7, "serializable", "bool"),
      scalar(8, "keysOnly", "bool"),
      scalar(9, "countOnly", "bool"),
      scalar(10, "minModRevision", "int64"),
      scalar(11, "maxModRevision", "int64"),
      scalar(12, "minCreateRevision", "int64"),
      scalar(13, "maxCreateRevision", "int64"),
    ),
    RangeResponse: fields(
      header,
      repeated(2, "kvs", "KeyValue"),
      scalar(3, "more", "bool"),
      scalar(4, "count", "int64"),
    ),
    PutRequest: fields(
      scalar(1, "key", "bytes"),
      scalar(2, "value", "bytes"),
      scalar(3, "lease", "int64Id"),
      scalar(4, "prevKv", "bool"),
      scalar(5, "ignoreValue", "bool"),
      scalar(6, "ignoreLease", "bool"),
    ),
    PutResponse: fields(header, message(2, "prevKv", "KeyValue")),
    DeleteRangeRequest: fields(
      scalar(1, "key", "bytes"),
      scalar(2, "rangeEnd", "bytes"),
      scalar(3, "prevKv", "bool"),
    ),
    DeleteRangeResponse: fields(
      header,
      scalar(2, "deleted", "int64"),
      repeated(3, "prevKvs", "KeyValue"),
    ),
    Compare: fields(
      enumeration(1, "result", "CompareResult"),
      enumeration(2, "target", "CompareTarget"),
      scalar(3, "key", "bytes"),
      target(4, "version", "int64", "VERSION"),
      target(5, "createRevision", "int64", "CREATE"),
      target(6, "modRevision", "int64", "MOD"),
      target(7, "value", "bytes", "VALUE"),
      target(8, "lease", "int64Id", "LEASE"),
      scalar(64, "rangeEnd", "bytes"),
    ),
    RequestOp: {
      kind: "choices",
      property: "request",
      mayBeNone: true,
      choices: [
        { kind: "range", number: 1, message: "RangeRequest" },
        { kind: "put", number: 2, message: "PutRequest" },
        { kind: "delete-range", number: 3, message: "DeleteRangeRequest" },
        { kind: "txn", number: 4, message: "TxnRequest" },
      ],
    },
    TxnRequest: fields(
      repeated(1, "compare", "Compare"),
      repeated(2, "success", "RequestOp"),
      repeated(3, "failure", "RequestOp"),
    ),
    ResponseOp: {
      kind: "choices",
      property: "response",
      mayBeNone: false,
      choices: [
        { kind: "range", number: 1, message: "RangeResponse" },
        { kind: "put", number: 2, message: "PutResponse" },
        { kind: "delete-range", number: 3, message: "DeleteRangeResponse" },
        { kind: "txn", number: 4, message: "TxnResponse" },
      ],
    },
    TxnResponse: fields(
      header,
      scalar(2, "succeeded", "bool"),
      repeated(3, "responses", "ResponseOp"),
    ),
    ClusterMember: fields(
      scalar(1, "ID", "uint64Id"),
      scalar(2, "name", "string"),
      strings(3, "peerURLs"),
      strings(4, "clientURLs"),
      scalar(5, "isLearner", "bool"),
    ),
    MemberListRequest: fields(scalar(1, "linearizable", "bool")),
    MemberListResponse: fields(header, repeated(2, "members", "ClusterMember")),
    MemberAddRequest: fields(strings(1, "peerURLs"), scalar(2, "isLearner", "bool")),
    MemberAddResponse: fields(
      header,
      message(2, "member", "ClusterMember"),
      repeated(3, "members", "ClusterMember"),
    ),
    MemberRemoveRequest: fields(scalar(1, "ID", "uint64Id")),
    MemberRemoveResponse: fields(header, repeated(2, "members", "ClusterMember")),
    MemberUpdateRequest: fields(scalar(1, "ID", "uint64Id"), strings(2, "peerURLs")),
    MemberUpdateResponse: fields(header, repeated(2, "members", "ClusterMember")),
    MemberPromoteRequest: fields(scalar(1, "ID", "uint64Id")),
    MemberPromoteResponse: fields(header, repeated(2, "members", "ClusterMember")),
    OperatorRequest: fields(
      enumeration(1, "change", "OperatorChange"),
      scalar(2, "member", "string"),
      scalar(3, "newMember", "string"),
      scalar(4, "address", "string"),
      enumeration(5, "addAs", "OperatorAddAs"),
    ),
    OperatorMember: fields(
      scalar(1, "ID", "uint64Id"),
      scalar(2, "id", "string"),
      scalar(3, "name", "string"),
      scalar(4, "address", "string"),
      enumeration(5, "role", "OperatorRole"),
      scalar(6, "isStarted", "bool"),
      scalar(7, "isWaiting", "bool"),
      scalar(8, "replaces", "string"),
      strings(9, "clientURLs"),
    ),
    OperatorResponse: fields(header, repeated(2, "members", "OperatorMember")),
    StatusRequest: fields(),
    StatusResponse: fields(
      header,
      scalar(2, "version", "string"),
      scalar(3, "dbSize", "int64"),
      scalar(4, "leader", "uint64Id"),
      scalar(5, "raftIndex", "uint64"),
      scalar(6, "raftTerm", "uint64"),
      scalar(7, "raftAppliedIndex", "uint64"),
      strings(8, "errors"),
      scalar(9, "dbSizeInUse", "int64"),
      scalar(10, "isLearner", "bool"),
    ),
    MoveLeaderRequest: fields(scalar(1, "targetID", "uint64Id")),
    MoveLeaderResponse: fields(header),
    SnapshotRequest: fields(),
    SnapshotResponse: fields(
      header,
      scalar(2, "remainingBytes", "uint64"),
      scalar(3, "blob", "bytes"),
    ),
    HealthCheckRequest: fields(scalar(1, "service", "string")),
    HealthCheckResponse: fields(enumeration(1, "status", "ServingStatus")),
  },
};
