/**
 * The rule for tests that need a program from Debian: on CI nothing is left out, elsewhere the test
 * is skipped and says which command would bring it. Called by tests; `tools/lib/debian-install.mjs`
 * does the installing.
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The programs that tests may ask for, each with its Debian package in `debian-programs.json`. */
export type DebianProgram =
  | "etcdctl"
  | "etcd"
  | "curl"
  | "h2load"
  | "strace"
  | "mkfs.ext4"
  | "python3";

/** Where a program is, or why it is not there and what to do about it. */
export type FoundProgram =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "missing"; readonly reason: string };

/** The part of the environment that decides. */
export type ProgramEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Finds a program on the path. To be used as
 * `describe.skipIf(etcdctl.kind === "missing")("...", ...)`.
 *
 * @throws Error on CI (where `CI` is set) if it is missing: there nothing may be left out.
 */
export function requireProgram(
  name: DebianProgram,
  environment: ProgramEnvironment = process.env,
): FoundProgram {
  const path = findOnPath(name, environment["PATH"] ?? "");
  if (path !== null) return { kind: "found", path };
  const reason = `${name} is not installed; \`apt-get install ${packageOf(name)}\` brings it`;
  if (isCI(environment)) throw new Error(`Cannot leave out a test on CI: ${reason}`);
  return { kind: "missing", reason };
}

/**
 * The path of a program found by `requireProgram`, for use inside a test that is skipped without
 * it.
 *
 * @throws Error if it is missing
 */
export function pathOfProgram(program: FoundProgram): string {
  if (program.kind === "missing") throw new Error(`Cannot run the test: ${program.reason}`);
  return program.path;
}

function isCI(environment: ProgramEnvironment): boolean {
  const value = environment["CI"];
  return value !== undefined && value !== "" && value !== "false" && value !== "0";
}

function findOnPath(name: string, path: string): string | null {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name);
    if (folder !== "" && isExecutable(file)) return file;
  }
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run: the next folder may have it
  }
}

function packageOf(name: DebianProgram): string {
  const text = readFileSync(new URL("./debian-programs.json", import.meta.url), "utf8");
  // The shape of our own file; debian-programs.test.ts checks it.
  const table = JSON.parse(text) as Record<DebianProgram, { readonly package: string }>;
  return table[name].package;
}
