import { type ErrorCode, errorCodes } from "./protocol.ts";

/** Why a connection has to end: the client broke a rule that concerns all of it. */
export interface ConnectionFault {
  readonly code: ErrorCode;
  readonly text: string;
}

export function protocolFault(text: string): ConnectionFault {
  return { code: errorCodes.protocolError, text };
}

export function sizeFault(what: string): ConnectionFault {
  return { code: errorCodes.frameSizeError, text: `${what} has the wrong size` };
}

export function overflow(what: string): ConnectionFault {
  return { code: errorCodes.flowControlError, text: `${what} made a window too large` };
}

export function flood(what: string): ConnectionFault {
  return { code: errorCodes.enhanceYourCalm, text: `too many ${what}` };
}
