/**
 * The messages of etcd's v3 API as plain objects, fields in camelCase, zero values always present.
 * Revisions, counts and terms are safe-integer numbers; 64-bit ids (`clusterId`, `memberId`, `ID`,
 * lease ids) are bigints, here at the wire only. @etcd api/etcdserverpb/rpc.proto
 */

export interface ResponseHeader {
  clusterId: bigint;
  memberId: bigint;
  revision: number;
  raftTerm: number;
}

export interface KeyValue {
  key: Uint8Array;
  createRevision: number;
  modRevision: number;
  version: number;
  value: Uint8Array;
  lease: bigint;
}

export type SortOrder = "NONE" | "ASCEND" | "DESCEND";
export type SortTarget = "KEY" | "VERSION" | "CREATE" | "MOD" | "VALUE";

export interface RangeRequest {
  key: Uint8Array;
  rangeEnd: Uint8Array;
  limit: number;
  revision: number;
  sortOrder: SortOrder;
  sortTarget: SortTarget;
  serializable: boolean;
  keysOnly: boolean;
  countOnly: boolean;
  minModRevision: number;
  maxModRevision: number;
  minCreateRevision: number;
  maxCreateRevision: number;
}

export interface RangeResponse {
  header: ResponseHeader | null;
  kvs: KeyValue[];
  more: boolean;
  count: number;
}

export interface PutRequest {
  key: Uint8Array;
  value: Uint8Array;
  lease: bigint;
  prevKv: boolean;
  ignoreValue: boolean;
  ignoreLease: boolean;
}

export interface PutResponse {
  header: ResponseHeader | null;
  prevKv: KeyValue | null;
}

export interface DeleteRangeRequest {
  key: Uint8Array;
  rangeEnd: Uint8Array;
  prevKv: boolean;
}

export interface DeleteRangeResponse {
  header: ResponseHeader | null;
  deleted: number;
  prevKvs: KeyValue[];
}

export type CompareResult = "EQUAL" | "GREATER" | "LESS" | "NOT_EQUAL";

export type CompareTarget = "VERSION" | "CREATE" | "MOD" | "VALUE" | "LEASE";

/**
 * The oneof `target_union` as it came: at most one of its members (`version` to `lease`) is not 0
 * or empty. If the member that came is not the one of `target`, that one counts as 0 or empty, as
 * in etcd.
 */
export interface Compare {
  result: CompareResult;
  target: CompareTarget;
  key: Uint8Array;
  rangeEnd: Uint8Array;
  version: number;
  createRevision: number;
  modRevision: number;
  value: Uint8Array;
  lease: bigint;
}

export type RequestOp =
  | { kind: "range"; request: RangeRequest }
  | { kind: "put"; request: PutRequest }
  | { kind: "delete-range"; request: DeleteRangeRequest }
  | { kind: "txn"; request: TxnRequest }
  /** An empty oneof. */
  | { kind: "none" };

export interface TxnRequest {
  compare: Compare[];
  success: RequestOp[];
  failure: RequestOp[];
}

export type ResponseOp =
  | { kind: "range"; response: RangeResponse }
  | { kind: "put"; response: PutResponse }
  | { kind: "delete-range"; response: DeleteRangeResponse }
  | { kind: "txn"; response: TxnResponse };

export interface TxnResponse {
  header: ResponseHeader | null;
  succeeded: boolean;
  responses: ResponseOp[];
}

export interface ClusterMember {
  ID: bigint;
  name: string;
  peerURLs: string[];
  clientURLs: string[];
  isLearner: boolean;
}

export interface MemberListRequest {
  linearizable: boolean;
}

export interface MemberListResponse {
  header: ResponseHeader | null;
  members: ClusterMember[];
}

export interface MemberAddRequest {
  peerURLs: string[];
  isLearner: boolean;
}

export interface MemberAddResponse {
  header: ResponseHeader | null;
  member: ClusterMember | null;
  members: ClusterMember[];
}

export interface MemberRemoveRequest {
  ID: bigint;
}

export type MemberRemoveResponse = MemberListResponse;

export interface MemberUpdateRequest {
  ID: bigint;
  peerURLs: string[];
}

export type MemberUpdateResponse = MemberListResponse;

export interface MemberPromoteRequest {
  ID: bigint;
}

export type MemberPromoteResponse = MemberListResponse;

/** What `quorate.Members/Do` does; `LIST` changes nothing. */
export type OperatorChange =
  | "LIST"
  | "ADD"
  | "PROMOTE"
  | "DEMOTE"
  | "REMOVE"
  | "REPLACE"
  | "UPDATE";

/** As what a member is added; the first is a learner that becomes a voter by itself. */
export type OperatorAddAs = "PROMOTED_LEARNER" | "LEARNER" | "VOTER";

export type OperatorRole = "VOTER" | "LEARNER" | "JOINING" | "LEAVING";

export interface OperatorRequest {
  change: OperatorChange;
  /** A name, or an id in hex as lists show it; empty with `LIST`. */
  member: string;
  /** With `REPLACE`. */
  newMember: string;
  /** `host:port`; with `ADD`, `REPLACE` and `UPDATE`. */
  address: string;
  /** With `ADD`. */
  addAs: OperatorAddAs;
}

export interface OperatorMember {
  /** etcd's. */
  ID: bigint;
  /** The name by which the log knows it. */
  id: string;
  /** The name that it was started with; `id` while it has not told. */
  name: string;
  /** `host:port` */
  address: string;
  role: OperatorRole;
  /** It has told the cluster where it serves clients. */
  isStarted: boolean;
  /** A learner that becomes a voter once it has caught up. */
  isWaiting: boolean;
  /** In whose place; empty for nobody's. */
  replaces: string;
  clientURLs: string[];
}

export interface OperatorResponse {
  header: ResponseHeader | null;
  members: OperatorMember[];
}

export interface StatusResponse {
  header: ResponseHeader | null;
  version: string;
  dbSize: number;
  leader: bigint;
  raftIndex: number;
  raftTerm: number;
  raftAppliedIndex: number;
  errors: string[];
  dbSizeInUse: number;
  isLearner: boolean;
}

/** Has no fields. */
export type StatusRequest = Record<never, never>;

export interface MoveLeaderRequest {
  targetID: bigint;
}

/** etcd 3.4 leaves the header out. */
export interface MoveLeaderResponse {
  header: ResponseHeader | null;
}

/** Has no fields. */
export type SnapshotRequest = Record<never, never>;

/** One of a stream: the blobs one after the other are the saved file. */
export interface SnapshotResponse {
  header: ResponseHeader | null;
  /** Bytes that come after this blob. */
  remainingBytes: number;
  blob: Uint8Array;
}

export type ServingStatus = "UNKNOWN" | "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";

/** grpc.health.v1: an empty name asks for the server as a whole. */
export interface HealthCheckRequest {
  service: string;
}

export interface HealthCheckResponse {
  status: ServingStatus;
}
