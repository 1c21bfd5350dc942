import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pathOfProgram, requireProgram } from "../../../../tools/debian-programs.ts";
import { type EchoServer, framed, noLoad, startEchoServer } from "../rpc/echo-server.ts";
import { runProgramFile } from "../support/cli.ts";

/** Other implementations of HTTP/2 against ours: those of nghttp2's load generator and of curl. */

let server: EchoServer;
let folder: string;

beforeEach(async () => {
  server = await startEchoServer({ stopGraceMs: 100 });
  folder = mkdtempSync(join(tmpdir(), "quorate-http2-"));
  writeFileSync(join(folder, "request"), framed("x".repeat(256)));
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
});

const url = (method: string): string => `http://127.0.0.1:${server.port}/test.Echo/${method}`;
const headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"];

const h2load = requireProgram("h2load");
const h2loadTitle = h2load.kind === "missing" ? `h2load: left out, ${h2load.reason}` : "h2load";

describe.skipIf(h2load.kind === "missing")(h2loadTitle, () => {
  it.each([
    ["1", "1", "200"],
    ["16", "16", "5000"],
    ["2", "1000", "5000"],
  ])("%s connections, %s streams: %s calls succeed", async (clients, streams, count) => {
    const body = ["-d", join(folder, "request")];
    const args = ["-c", clients, "-m", streams, "-n", count, ...headers, ...body, url("Echo")];
    const { code, stdout } = await runProgramFile(pathOfProgram(h2load), args);
    expect(code).toBe(0);
    expect(stdout).toContain(`${count} succeeded, 0 failed, 0 errored, 0 timeout`);
  });
});

const curl = requireProgram("curl");
const curlTitle = curl.kind === "missing" ? `curl: left out, ${curl.reason}` : "curl";

describe.skipIf(curl.kind === "missing")(curlTitle, () => {
  it("gets the message and its status", async () => {
    const output = join(folder, "answer");
    const args = ["--silent", "--http2-prior-knowledge", "--max-time", "10", "-D", "-", ...headers];
    const body = ["--data-binary", `@${join(folder, "request")}`, "-o", output];
    const { code, stdout } = await runProgramFile(pathOfProgram(curl), [
      ...args,
      ...body,
      url("Echo"),
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^HTTP\/2 200 /);
    expect(stdout).toContain("content-type: application/grpc");
    expect(stdout).toContain("grpc-status: 0");
  });

  it("gets an error", async () => {
    const args = ["--silent", "--http2-prior-knowledge", "--max-time", "10", "-D", "-", ...headers];
    const body = ["--data-binary", `@${join(folder, "request")}`];
    const { stdout } = await runProgramFile(pathOfProgram(curl), [...args, ...body, url("No")]);
    expect(stdout).toContain("grpc-status: 12");
    expect(stdout).toContain("grpc-message: unknown method No for service test.Echo");
  });
});
