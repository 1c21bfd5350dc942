/**
 * SIGINT, SIGTERM and SIGHUP: the first asks for a clean stop, the second ends the process at once.
 */

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a shell reports for a process that a signal ended. */
const codes: Readonly<Record<(typeof signals)[number], number>> = {
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
};

/**
 * @param onSecond Runs before the process ends at once
 * @returns what takes the listeners off again
 */
export function onStopSignals(
  onFirst: (signal: string) => void,
  onSecond: () => void = () => undefined,
): () => void {
  let count = 0;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      count++;
      if (count === 1) {
        onFirst(signal);
      } else {
        onSecond();
        process.exit(codes[signal]);
      }
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const release of listeners) release();
  };
}
