/** Single keys from a terminal, without Enter. */

/**
 * @param onKey Gets each key; Ctrl-C as `\u0003`
 * @returns what gives the terminal back
 */
export function readKeys(onKey: (key: string) => void): () => void {
  const { stdin } = process;
  const listener = (data: Uint8Array): void => {
    for (const key of Buffer.from(data).toString("utf8")) onKey(key);
  };
  stdin.on("error", () => undefined); // a terminal that is gone also sends SIGHUP
  stdin.setRawMode(true);
  stdin.on("data", listener);
  stdin.resume();
  return () => {
    stdin.off("data", listener);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
