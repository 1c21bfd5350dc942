import { connect } from "node:net";
import { parseEndpoint } from "../../rpc/index.ts";

/** Milliseconds for the answer of a port on which something listens. */
const probeMs = 1_000;
/** Bytes of an answer that are looked at. */
const answerBytesMax = 4_096;

/**
 * Whether a port that does not speak gRPC is a member's peer port: that one says so to whoever
 * comes with HTTP. Never fails: what does not answer is none.
 */
export function probePeerPort(endpoint: string): Promise<boolean> {
  const { host, port, text } = parseEndpoint(endpoint);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = "";
    const finish = (): void => {
      socket.destroy();
      resolve(/peer port of quorate/.test(answer));
    };
    socket.setTimeout(probeMs, finish);
    socket.on("connect", () => socket.write(`GET / HTTP/1.1\r\nHost: ${text}\r\n\r\n`));
    socket.on("data", (chunk: Uint8Array) => {
      answer += Buffer.from(chunk).toString("latin1");
      if (answer.length >= answerBytesMax) finish();
    });
    socket.on("end", finish);
    socket.on("error", finish);
    socket.on("close", finish);
  });
}
