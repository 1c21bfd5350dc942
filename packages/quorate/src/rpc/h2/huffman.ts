import { HpackError } from "./hpack-error.ts";

/**
 * The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: codes of one length are given
 * out in the order of the symbols, so that the lengths say everything. The decoder is a machine
 * that takes four bits a step; no code is shorter than five, so a step gives at most one symbol.
 */

/** Bits of the code of each byte; the last is the end of the string, which is never sent. */
export const huffmanCodeBits: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5,
  6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6,
  7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23,
  23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22,
  22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
  23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27,
  27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25,
  24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const endOfString = 256;
const failed = -1;

/** The codes, right-aligned, by symbol. */
export const huffmanCodes: readonly number[] = assignCodes(huffmanCodeBits);

function assignCodes(codeBits: readonly number[]): number[] {
  const codes = new Array<number>(codeBits.length).fill(0);
  let next = 0;
  for (let bits = 1; bits <= 30; bits++) {
    next *= 2;
    for (const [symbol, length] of codeBits.entries()) {
      if (length === bits) codes[symbol] = next++;
    }
  }
  return codes;
}

/** A node of the code's tree: where a 0 and a 1 lead, or the symbol of a leaf. */
interface TreeNode {
  readonly id: number;
  readonly children: [TreeNode | null, TreeNode | null];
  symbol: number;
  /** The string may end here: at most seven ones since the last symbol. */
  mayEnd: boolean;
}

/**
 * Steps by state and four bits: the next state, plus the symbol that was completed, shifted, plus
 * one.
 */
const symbolShift = 9;
const { steps, mayEndByState } = buildMachine();

function buildMachine(): { steps: Int32Array; mayEndByState: Uint8Array } {
  const inner = buildTree();
  const table = new Int32Array(inner.length * 16).fill(failed);
  const root = inner[0];
  for (const node of inner) {
    for (let nibble = 0; nibble < 16; nibble++) {
      table[node.id * 16 + nibble] = root === undefined ? failed : takeNibble(root, node, nibble);
    }
  }
  return { steps: table, mayEndByState: Uint8Array.from(inner, ({ mayEnd }) => (mayEnd ? 1 : 0)) };
}

/** The inner nodes; the root is the first. */
function buildTree(): TreeNode[] {
  const inner: TreeNode[] = [];
  const grow = (isInner: boolean): TreeNode => {
    const id = isInner ? inner.length : failed;
    const node: TreeNode = { id, children: [null, null], symbol: failed, mayEnd: false };
    if (isInner) inner.push(node);
    return node;
  };
  const root = grow(true);
  root.mayEnd = true;
  for (const [symbol, code] of huffmanCodes.entries()) {
    let node = root;
    for (let left = (huffmanCodeBits[symbol] ?? 0) - 1; left >= 0; left--) {
      const bit = (code >>> left) & 1;
      node.children[bit] ??= grow(left > 0);
      node = node.children[bit];
    }
    node.symbol = symbol;
  }
  let ones: TreeNode | null = root;
  for (let count = 0; count <= 7 && ones !== null; count++) {
    ones.mayEnd = true;
    ones = ones.children[1];
  }
  return inner;
}

function takeNibble(root: TreeNode, from: TreeNode, nibble: number): number {
  let node: TreeNode = from;
  let emitted = 0;
  for (let left = 3; left >= 0; left--) {
    const next = node.children[(nibble >>> left) & 1];
    if (next === null || next === undefined || next.symbol === endOfString) return failed;
    if (next.symbol >= 0) emitted = next.symbol + 1;
    node = next.symbol >= 0 ? root : next;
  }
  return node.id | (emitted << symbolShift);
}

/** Room for the longest string so far: decoding is not re-entrant. */
let scratch: Buffer = Buffer.allocUnsafeSlow(512);

/**
 * Decodes the bytes from `start` to `end` to a string of one character a byte.
 *
 * @throws HpackError if it holds the end of the string, or ends in the middle of a symbol
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  // Five bits are the shortest code.
  const lengthMax = Math.ceil(((end - start) * 8) / 5);
  if (scratch.length < lengthMax) scratch = Buffer.allocUnsafeSlow(lengthMax * 2);
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    const high = steps[state * 16 + (byte >>> 4)] ?? failed;
    if (high < 0) throw new HpackError("a Huffman string holds its own end");
    if (high >>> symbolShift !== 0) scratch[length++] = (high >>> symbolShift) - 1;
    const low = steps[(high & stateMask) * 16 + (byte & 15)] ?? failed;
    if (low < 0) throw new HpackError("a Huffman string holds its own end");
    if (low >>> symbolShift !== 0) scratch[length++] = (low >>> symbolShift) - 1;
    state = low & stateMask;
  }
  if (mayEndByState[state] !== 1) throw new HpackError("a Huffman string ends within a symbol");
  return scratch.toString("latin1", 0, length);
}

const stateMask = (1 << symbolShift) - 1;
