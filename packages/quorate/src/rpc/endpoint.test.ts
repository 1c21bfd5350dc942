import { expect, it } from "vitest";
import { parseEndpoint } from "./endpoint.ts";

it.each([
  ["127.0.0.1:2379", "127.0.0.1", 2379],
  ["localhost", "localhost", 2379],
  ["http://a.example:22379/", "a.example", 22379],
  ["[::1]:80", "::1", 80],
  ["http://[::1]", "::1", 2379],
])("%s", (text, host, port) => {
  expect(parseEndpoint(text)).toMatchObject({ host, port });
});

it.each([
  ["https://a:1", /TLS is not supported/],
  ["unix:///tmp/x", /unknown scheme unix/],
  ["a:b", /"a:b": it is not host:port/],
  ["a:70000", /not host:port/],
  ["", /not host:port/],
  ["a:1/path", /not host:port/],
])("refuses %j", (text, message) => {
  expect(() => parseEndpoint(text)).toThrow(message);
});
