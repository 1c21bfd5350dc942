export * from "./codecs.ts";
export type * from "./messages.ts";
export { ProtoError, type ProtoErrorReason } from "./proto-error.ts";
export { emptyBytes, messageDepthMax } from "./reader.ts";
