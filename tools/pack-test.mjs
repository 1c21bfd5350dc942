/**
 * The packages as users get them: packed, installed into an empty project, imported on the Node
 * that runs this and on Node 24, and type-checked. Part of `npm test`; needs the build. Ends with 1
 * if a check failed.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { isCI } from "./lib/debian-install.mjs";
import {
  importableNames,
  installPacked,
  packAll,
  runNpm,
  withTemporaryFolder,
} from "./lib/packed-project.mjs";
import { programs, root } from "./lib/programs.mjs";
import { lastLines, run } from "./lib/run.mjs";

/** @typedef {import("./lib/packed-project.mjs").PackedPackage} PackedPackage */

/** The other Node that users have; Debian has none of it, npm does. */
const otherNode = "24.21.0";
const programLimitMs = 60_000;

/** Thrown by a check that cannot be made on this machine. */
class Skip extends Error {}

/**
 * Runs one check and prints its line.
 *
 * @param {string} name
 * @param {() => unknown} body throws if it fails
 */
async function check(name, body) {
  try {
    await body();
    process.stdout.write(`ok      ${name}\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof Skip && !isCI()) {
      process.stdout.write(`left out ${name}: ${reason}\n`);
      return;
    }
    process.stdout.write(`FAILED  ${name}: ${reason}\n`);
    process.exitCode = 1;
  }
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<string>} what it printed
 */
async function runOrThrow(program, args, cwd) {
  const result = await run(program, args, { cwd, limitMs: programLimitMs });
  if (result.code === 0) return result.output;
  const why = result.timedOut ? "took too long" : `ended with ${result.code}`;
  throw new Error(`${program} ${why}\n${lastLines(result.output, 30)}`);
}

/** @param {PackedPackage} packed */
function checkFiles({ files, manifest }) {
  const stray = files.filter((path) => /\.test\.|tsbuildinfo|^test\//.test(path));
  if (stray.length > 0) throw new Error(`in the tarball by accident: ${stray.join(", ")}`);
  const wanted = ["package.json", "LICENSE", "README.md", ...targetsOf(manifest)];
  const missing = wanted.filter((path) => !files.includes(path));
  if (missing.length > 0) throw new Error(`not in the tarball: ${missing.join(", ")}`);
}

/** @param {import("./lib/packed-project.mjs").Manifest} manifest */
function targetsOf(manifest) {
  const targets = [...Object.values(manifest.exports), ...Object.values(manifest.bin ?? {})];
  return targets
    .flatMap((target) => (typeof target === "string" ? [target] : Object.values(target ?? {})))
    .map((path) => String(path).replace(/^\.\//, ""));
}

/** @param {PackedPackage} packed */
async function checkPublint({ tarball }) {
  const bytes = readFileSync(tarball);
  const archive = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({
    pkgDir: "package", // the folder inside the tarball
    pack: { tarball: /** @type {ArrayBuffer} */ (archive) }, // a file's buffer is never shared
    strict: true,
  });
  const found = messages.filter(({ type }) => type !== "suggestion");
  if (found.length === 0) return;
  throw new Error(found.map((message) => formatMessage(message, pkg) ?? message.code).join("\n"));
}

/** @param {string} project */
function checkInstallScripts(project) {
  const lock = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  const withScript = Object.entries(lock.packages)
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(([path]) => path);
  if (withScript.length === 0) return;
  throw new Error(`these need an install script, which npm does not run: ${withScript.join(", ")}`);
}

/**
 * @param {string} project
 * @param {readonly PackedPackage[]} packed
 * @param {string} node path of the program
 */
async function checkImports(project, packed, node) {
  const names = packed.flatMap(({ manifest }) => importableNames(manifest));
  const lines = names.map(
    (name) =>
      `if (Object.keys(await import("${name}")).length === 0) throw new Error("${name} is empty");`,
  );
  writeFileSync(join(project, "imports.mjs"), `${lines.join("\n")}\n`);
  await runOrThrow(node, ["imports.mjs"], project);
}

/**
 * Compiles a program that imports `names`, with the strictest options and the declarations checked
 * too.
 *
 * @param {string} project
 * @param {string} name of the program
 * @param {readonly string[]} names
 * @param {readonly string[]} types
 */
async function checkTypes(project, name, names, types) {
  const imports = names.map((each, i) => `import * as m${i} from "${each}";`);
  const uses = names.map((_, i) => `export type M${i} = keyof typeof m${i};`);
  writeFileSync(join(project, `${name}.ts`), `${[...imports, ...uses].join("\n")}\n`);
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022", ...(types.length > 0 ? [] : ["dom"])],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types,
    typeRoots: [join(root, "node_modules/@types")],
  };
  const config = `tsconfig.${name}.json`;
  writeFileSync(join(project, config), JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
  await runOrThrow(process.execPath, [...programs.tsc, "-p", config], project);
}

/**
 * The commands of the packages, as npm links them.
 *
 * @param {string} project
 * @param {PackedPackage} packed
 * @param {string} node
 */
async function checkCommands(project, { manifest }, node) {
  for (const name of Object.keys(manifest.bin ?? {})) {
    const command = join(project, "node_modules/.bin", name);
    if (!existsSync(command)) throw new Error(`npm did not link the command ${name}`);
    const help = await runOrThrow(node, [command, "--help"], project);
    if (!help.includes(name)) throw new Error(`\`${name} --help\` does not name it:\n${help}`);
    const version = await runOrThrow(node, [command, "--version"], project);
    if (!version.includes(manifest.version)) {
      throw new Error(`\`${name} --version\` does not say ${manifest.version} but:\n${version}`);
    }
    await runOrThrow(command, ["--version"], project);
  }
}

/**
 * Fetches the other Node.
 *
 * @param {string} folder
 * @returns {Promise<string>} its path
 */
async function fetchOtherNode(folder) {
  const { platform, arch } = process;
  const isKnown = platform === "linux" && (arch === "x64" || arch === "arm64");
  if (!isKnown) throw new Skip(`there is no Node ${otherNode} for ${platform}-${arch} on npm`);
  const name = `node-${platform}-${arch}`;
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const args = ["install", "--prefer-offline", "--ignore-scripts", `${name}@${otherNode}`];
  try {
    await runNpm(args, folder);
  } catch (error) {
    throw new Skip(`cannot fetch ${name}: ${error instanceof Error ? error.message : error}`);
  }
  const node = join(folder, "node_modules", name, "bin/node");
  const version = (await runOrThrow(node, ["--version"], folder)).trim();
  if (version !== `v${otherNode}`) throw new Error(`${name} is ${version}, not v${otherNode}`);
  return node;
}

/** @param {string} folder empty; for everything that is made */
async function testPackages(folder) {
  const project = join(folder, "project");
  const packed = await packAll(folder);
  for (const each of packed) {
    await check(`${each.manifest.name}: files`, () => checkFiles(each));
    await check(`${each.manifest.name}: publint`, () => checkPublint(each));
  }
  await installPacked(project, packed);
  await check("no install scripts", () => checkInstallScripts(project));
  await check("dependencies are complete", () => runNpm(["ls", "--all"], project));
  const names = packed.flatMap(({ manifest }) => importableNames(manifest));
  await check("types, all subpaths", () => checkTypes(project, "all", names, ["node"]));
  await check("types of the core, without Node", () =>
    checkTypes(project, "core", ["@quorate/raft/core"], []),
  );
  await testOnNode(project, packed, process.execPath, process.version);
  let other = "";
  await check(`Node ${otherNode} is there`, async () => {
    other = await fetchOtherNode(folder);
  });
  if (other !== "") await testOnNode(project, packed, other, `v${otherNode}`);
}

/**
 * @param {string} project
 * @param {readonly PackedPackage[]} packed
 * @param {string} node path of the program
 * @param {string} version
 */
async function testOnNode(project, packed, node, version) {
  await check(`imports on Node ${version}`, () => checkImports(project, packed, node));
  for (const each of packed) {
    if (each.manifest.bin === undefined) continue;
    await check(`commands on Node ${version}`, () => checkCommands(project, each, node));
  }
}

await withTemporaryFolder((folder) => check("packages", () => testPackages(folder)));
