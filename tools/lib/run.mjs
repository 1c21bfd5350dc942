/**
 * Runs child programs for the scripts of this folder: quietly (output kept, shown on failure) or
 * aloud, always with a time limit, and with the signals that reach the script passed on.
 * Dependency-free.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Output kept of a quiet program, in characters: enough for a long compiler report. */
const outputCharactersMax = 1_000_000;
/** Between asking a program to stop and killing it. */
const graceMs = 10_000;
/** @type {NodeJS.Signals[]} */
const passedOn = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * @typedef {object} RunOptions
 * @property {string} cwd
 * @property {number} limitMs after which the program is stopped and counts as failed
 * @property {"quiet" | "aloud"} [output] quiet: kept in `output`; aloud: on our stdout and stderr
 * @property {Record<string, string | undefined>} [env] added to our environment
 *
 * @typedef {object} RunResult
 * @property {number} code 0 is success; 128 + n after signal n
 * @property {string} output stdout and stderr in the order of arrival; empty where aloud
 * @property {boolean} timedOut
 */

/**
 * Runs one program to its end. Does not reject: a program that cannot start has code 127.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RunOptions} options
 * @returns {Promise<RunResult>}
 */
export function run(program, args, options) {
  const quiet = options.output !== "aloud";
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    });
    let output = "";
    const keep = (/** @type {string} */ text) => {
      output = (output + text).slice(-outputCharactersMax);
    };
    child.stdout?.setEncoding("utf8").on("data", keep);
    child.stderr?.setEncoding("utf8").on("data", keep);
    const guard = guardChild(child, options.limitMs);
    child.on("error", (error) => {
      guard.release();
      resolve({
        code: 127,
        output: `${output}Cannot run ${program}: ${error.message}`,
        timedOut: false,
      });
    });
    child.on("close", (code, signal) => {
      guard.release();
      resolve({ code: exitCode(code, signal), output, timedOut: guard.timedOut() });
    });
  });
}

/**
 * Stops the child at its limit, and passes on the signals that reach us; after one of those we end
 * with the child.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @param {number} limitMs
 */
function guardChild(child, limitMs) {
  let timedOut = false;
  /** @type {NodeJS.Signals | null} */
  let received = null;
  /** @type {NodeJS.Timeout[]} */
  const timers = [];
  const stop = (/** @type {NodeJS.Signals} */ signal) => {
    child.kill(signal);
    timers.push(setTimeout(() => child.kill("SIGKILL"), graceMs));
  };
  const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
    if (received !== null) return;
    received = signal;
    stop(signal);
  };
  for (const signal of passedOn) process.on(signal, onSignal);
  timers.push(
    setTimeout(() => {
      timedOut = true;
      stop("SIGTERM");
    }, limitMs),
  );
  return {
    timedOut: () => timedOut,
    release() {
      for (const timer of timers) clearTimeout(timer);
      for (const signal of passedOn) process.off(signal, onSignal);
      if (received !== null) process.exit(exitCode(null, received));
    },
  };
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function exitCode(code, signal) {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/**
 * The last lines of a text, for error messages.
 *
 * @param {string} text
 * @param {number} count
 */
export function lastLines(text, count) {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/**
 * Milliseconds for people: `8.1 s`.
 *
 * @param {number} ms
 */
export function describeMs(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
