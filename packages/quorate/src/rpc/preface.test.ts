import { expect, it } from "vitest";
import { sniffProtocol } from "./preface.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it("is undecided on each beginning of the preface, and sure at its end", () => {
  for (let length = 0; length < preface.length; length++) {
    expect(sniffProtocol(bytes(preface.slice(0, length)))).toBe("undecided");
  }
  expect(sniffProtocol(bytes(preface))).toBe("http2");
  expect(sniffProtocol(bytes(`${preface}more`))).toBe("http2");
});

it.each(["G", "GET / HTTP/1.1", "PUT", "PRI * HTTP/1.1\r\n", "\x00", "\x16\x03\x01"])(
  "gives %j to HTTP/1",
  (text) => {
    expect(sniffProtocol(bytes(text))).toBe("http1");
  },
);
