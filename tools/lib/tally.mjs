/**
 * Counts what ran: reads Vitest's JSON report and writes the closing line. Dependency-free, pure.
 * Called by `tools/lib/stages.mjs`.
 */

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/** @type {Readonly<Tally>} */
export const emptyTally = Object.freeze({ passed: 0, failed: 0, skipped: 0 });

/**
 * @param {Tally} a
 * @param {Tally} b
 * @returns {Tally}
 */
export function addTally(a, b) {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/**
 * Counts a report of Vitest. Whatever went wrong without a failing test counts as one failure: no
 * report, a file that did not load, an error outside of any test.
 *
 * @param {string | null} report the JSON text; null where none was written
 * @param {number} code Vitest's exit code
 * @returns {Tally}
 */
export function countReport(report, code) {
  const parsed = parseReport(report);
  if (parsed === null) return { passed: 0, failed: 1, skipped: 0 };
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const file of parsed.testResults) {
    const results = file.assertionResults;
    for (const { status } of results) {
      if (status === "passed") tally.passed += 1;
      else if (status === "failed") tally.failed += 1;
      else tally.skipped += 1;
    }
    const hasFailure = results.some(({ status }) => status === "failed");
    if (file.status === "failed" && !hasFailure) tally.failed += 1;
  }
  if (code !== 0 && tally.failed === 0) tally.failed = 1;
  return tally;
}

/**
 * @typedef {{ status: string, assertionResults: { status: string }[] }} FileReport
 *
 * @param {string | null} text
 * @returns {{ testResults: FileReport[] } | null}
 */
function parseReport(text) {
  if (text === null) return null;
  try {
    const value = JSON.parse(text);
    return Array.isArray(value.testResults) ? value : null;
  } catch {
    return null; // cut off: the run was ended in the middle
  }
}

/**
 * The plain last line: `N passed, N failed`, and `, N skipped` where some were.
 *
 * @param {Tally} tally
 */
export function describeTally(tally) {
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : "";
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`;
}

/**
 * The exit code for it: nothing run is a failure too.
 *
 * @param {Tally} tally
 * @returns {0 | 1}
 */
export function exitCodeOf(tally) {
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}
