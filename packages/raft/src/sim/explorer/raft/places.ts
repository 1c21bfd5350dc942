/**
 * The six ways to move three members: turning the ring (0, 1, 2), or mirroring and turning it (3,
 * 4, 5). With a turn each member keeps its next; with a mirror all exchange their peers.
 */

export const moveCount = 6;

export function isMirror(move: number): boolean {
  return move >= 3;
}

/** Who comes to `place`. */
export function placeBefore(move: number, place: number): number {
  return move < 3 ? (place + move) % 3 : (move - place) % 3;
}

/** Where the member at `place` goes. */
export function placeAfter(move: number, place: number): number {
  return move < 3 ? (place - move + 3) % 3 : (move - place) % 3;
}

/** Both as tables: `move * 3 + place`. */
export const placesBefore: Int32Array = tableOf(placeBefore);
export const placesAfter: Int32Array = tableOf(placeAfter);

function tableOf(map: (move: number, place: number) => number): Int32Array {
  const table = new Int32Array(moveCount * 3);
  for (let at = 0; at < table.length; at++) table[at] = map(Math.floor(at / 3), at % 3);
  return table;
}
