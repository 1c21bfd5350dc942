export {
  type ClientOptions,
  createClient,
  type RpcClient,
  type StreamAnswer,
  type StreamOptions,
  type UnaryAnswer,
  type UnaryOptions,
} from "./client.ts";
export { type CallFailure, describeCallFailure, RpcError } from "./client-error.ts";
export { type Endpoint, parseEndpoint } from "./endpoint.ts";
export { createRpcServer, type RpcServerOptions } from "./h2/server.ts";
export { defaultRpcLimits, type RpcLimits } from "./limits.ts";
export {
  createPortSplitter,
  type PortSplitter,
  type PortSplitterOptions,
} from "./port-splitter.ts";
export type { RpcLoad, RpcServer } from "./rpc-server.ts";
export {
  type BadRequest,
  type Call,
  type CancelReason,
  type Method,
  MethodTable,
  type ServerStreamingMethod,
  type StreamingCall,
  type UnaryMethod,
} from "./service.ts";
export {
  type Status,
  type StatusCode,
  type StatusName,
  status,
  statusCodes,
  statusNameOf,
} from "./status.ts";
