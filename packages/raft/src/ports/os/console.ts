/** The console of the host: where a library says what it must when nobody gave it a logger. */
export const osConsole: { warn(text: string): void; error(text: string): void } = {
  warn: (text) => console.warn(text),
  error: (text) => console.error(text),
};
