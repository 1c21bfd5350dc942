/**
 * Addresses as people write them: `host:port`, with IPv6 hosts in brackets. Used by the network
 * port, the transport and whoever checks options; resolves no names.
 */
import { FormatError } from "../base/index.ts";

export interface Address {
  /** A name, an IPv4 address or an IPv6 address without its brackets. */
  readonly host: string;
  /** 0 to 65,535; 0 asks the system for a free one when listening. */
  readonly port: number;
}

const portPattern = /^[0-9]{1,5}$/;
const ipv4Pattern = /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/;
const ipv6Pattern = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?$/;
const labelPattern = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const hostCharactersMax = 253;

/**
 * Reads `host:port` or `[ipv6]:port`.
 *
 * @throws FormatError that quotes `text` and says what to write instead
 */
export function parseAddress(text: string): Address {
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(text);
  if (scheme !== null) throw bad(text, `leave out "${scheme[0]}" and write host:port`);
  const colon = text.lastIndexOf(":");
  if (colon < 0) throw bad(text, "the port is missing; write host:port, such as 127.0.0.1:2380");
  const host = parseHost(text, text.slice(0, colon));
  const digits = text.slice(colon + 1);
  const port = portPattern.test(digits) ? Number(digits) : Number.NaN;
  if (!(port <= 65_535)) {
    throw bad(text, `the port ${JSON.stringify(digits)} is not a number from 0 to 65535`);
  }
  return { host, port };
}

/** The text that `parseAddress` reads back. */
export function formatAddress(address: Address): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Whether only processes of this machine reach `host`: 127.0.0.0/8, `::1` and `localhost`. */
export function isLoopbackHost(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return ipv4Pattern.test(host) && host.startsWith("127.");
}

function parseHost(text: string, host: string): string {
  if (host === "") throw bad(text, "the host is missing; write for instance 127.0.0.1:2380");
  if (host.startsWith("[")) return parseBracketed(text, host);
  if (host.includes(":")) throw bad(text, `write an IPv6 host in brackets, such as [::1]:2380`);
  const isValid = ipv4Pattern.test(host) ? isIpv4(host) : isHostName(host);
  if (!isValid) throw bad(text, `${JSON.stringify(host)} is neither a host name nor an IP address`);
  return host;
}

function parseBracketed(text: string, host: string): string {
  const inner = host.slice(1, -1);
  const isValid = host.endsWith("]") && ipv6Pattern.test(inner) && inner.split(":").length >= 3;
  if (!isValid) throw bad(text, `${JSON.stringify(host)} is not an IPv6 address in brackets`);
  return inner;
}

function isIpv4(host: string): boolean {
  return host.split(".").every((part) => part.length <= 3 && Number(part) <= 255);
}

function isHostName(host: string): boolean {
  if (host.length > hostCharactersMax) return false;
  return host.split(".").every((label) => labelPattern.test(label));
}

function bad(text: string, why: string): FormatError {
  return new FormatError(`Cannot use the address ${JSON.stringify(text)}: ${why}`);
}
