/** The rule for programs from Debian: found, left out with a reason, or a failure on CI. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pathOfProgram, requireProgram } from "./debian-programs.ts";

it("names a program that is missing, and what brings it", () => {
  const missing = requireProgram("etcdctl", { PATH: "/nowhere" });
  expect(missing).toEqual({
    kind: "missing",
    reason: "etcdctl is not installed; `apt-get install etcd-client` brings it",
  });
  expect(() => pathOfProgram(missing)).toThrow("Cannot run the test: etcdctl is not installed");
});

it("leaves nothing out on CI", () => {
  expect(() => requireProgram("h2load", { PATH: "/nowhere", CI: "true" })).toThrow(
    "Cannot leave out a test on CI: h2load is not installed",
  );
  expect(requireProgram("h2load", { PATH: "/nowhere", CI: "false" }).kind).toBe("missing");
});

it("finds an executable, and no other file of that name", () => {
  const folder = mkdtempSync(join(tmpdir(), "quorate-programs-"));
  try {
    const file = join(folder, "etcd");
    writeFileSync(file, "", { mode: 0o644 });
    expect(requireProgram("etcd", { PATH: folder }).kind).toBe("missing");
    chmodSync(file, 0o755);
    const found = requireProgram("etcd", { PATH: `/nowhere:${folder}`, CI: "true" });
    expect(pathOfProgram(found)).toBe(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("knows the package of each program", () => {
  const text = readFileSync(new URL("./debian-programs.json", import.meta.url), "utf8");
  const shape = { package: expect.any(String), use: expect.any(String) };
  const names = ["etcdctl", "etcd", "curl", "h2load", "strace", "mkfs.ext4", "python3"];
  expect(JSON.parse(text)).toEqual(Object.fromEntries(names.map((name) => [name, shape])));
});
