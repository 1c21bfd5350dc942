/**
 * The oldest Node that the workspace runs on. Dependency-free and in plain syntax, because it must
 * load on the very versions it turns away.
 */

/** Major and minor; the same as `engines.node` in every package.json. */
export const oldestNode = [20, 19];

/**
 * Says why a Node version is too old, or null where it is new enough.
 *
 * @param {string} version such as `20.19.0`
 * @returns {string | null}
 */
export function describeOldNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return (
    `Cannot run on Node ${version}: Node ${oldestMajor}.${oldestMinor} or newer is needed. ` +
    "Install a newer one from https://nodejs.org and try again."
  );
}

/** Ends the process with a clear message on a Node that is too old. */
export function requireNode() {
  const reason = describeOldNode(process.versions.node);
  if (reason === null) return;
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
