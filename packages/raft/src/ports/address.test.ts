import { describe, expect, it } from "vitest";
import { FormatError } from "../base/index.ts";
import { formatAddress, isLoopbackHost, parseAddress } from "./address.ts";

describe("parseAddress", () => {
  it.each([
    ["127.0.0.1:2380", "127.0.0.1", 2380],
    ["localhost:0", "localhost", 0],
    ["member-1.example_a.com:65535", "member-1.example_a.com", 65535],
    ["[::1]:2380", "::1", 2380],
    ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
  ])("reads %s and writes it back", (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(text);
  });

  it.each([
    ["", "the port is missing"],
    ["127.0.0.1", "the port is missing"],
    [":2380", "the host is missing"],
    ["a:", 'the port "" is not a number'],
    ["a:65536", 'the port "65536" is not a number from 0 to 65535'],
    ["a:-1", 'the port "-1" is not'],
    ["a:80x", 'the port "80x" is not'],
    ["http://a:80", 'leave out "http://" and write host:port'],
    ["::1:2380", "write an IPv6 host in brackets"],
    ["[1]:2380", "is not an IPv6 address in brackets"],
    ["[::1:2380", "is not an IPv6 address in brackets"],
    ["256.1.1.1:1", '"256.1.1.1" is neither a host name nor an IP address'],
    ["a b:1", '"a b" is neither'],
    ["-a:1", '"-a" is neither'],
    [`${"a".repeat(64)}:1`, "is neither"],
  ])("refuses %j", (text, why) => {
    expect(() => parseAddress(text)).toThrow(FormatError);
    expect(() => parseAddress(text)).toThrow(`Cannot use the address ${JSON.stringify(text)}`);
    expect(() => parseAddress(text)).toThrow(why);
  });

  it("knows which hosts only this machine reaches", () => {
    expect(["127.0.0.1", "127.8.8.8", "::1", "localhost"].every(isLoopbackHost)).toBe(true);
    expect(["0.0.0.0", "::", "10.0.0.1", "127.example.com"].some(isLoopbackHost)).toBe(false);
  });
});
