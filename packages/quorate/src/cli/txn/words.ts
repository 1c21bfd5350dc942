/**
 * Splits a line into words like a shell: blanks separate, quotes keep them. In double quotes a
 * backslash keeps the next character, and `\n`, `\t`, `\r` and `\xNN` are what they are in C. Null
 * if a quote does not end.
 */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let rest = line.trimStart();
  while (rest !== "") {
    let word = "";
    while (rest !== "" && !/^\s/.test(rest)) {
      const piece = takePiece(rest);
      if (piece === null) return null;
      word += piece.text;
      rest = rest.slice(piece.length);
    }
    words.push(word);
    rest = rest.trimStart();
  }
  return words;
}

interface Piece {
  readonly text: string;
  /** Characters of the line that it takes. */
  readonly length: number;
}

function takePiece(rest: string): Piece | null {
  if (rest.startsWith("'")) {
    const end = rest.indexOf("'", 1);
    return end < 0 ? null : { text: rest.slice(1, end), length: end + 1 };
  }
  if (rest.startsWith('"')) {
    const whole = /^"((?:[^"\\]|\\.)*)"/.exec(rest)?.[0];
    if (whole === undefined) return null;
    return { text: decodeEscapes(whole.slice(1, -1)), length: whole.length };
  }
  const plain = /^[^\s"']+/.exec(rest)?.[0] ?? "";
  return { text: plain, length: plain.length };
}

const named: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function decodeEscapes(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, code: string) => {
    if (/^x../.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return named[code] ?? code;
  });
}
