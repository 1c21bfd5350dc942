/**
 * The two jugs of "Die Hard 3", as in Lamport's TLA+ course (tlaplus/Examples DieHard): a jug of
 * five gallons and one of three, to be filled, emptied and poured into each other. The explorer
 * tests itself with it.
 */
import { type Model, ModelViolation } from "../model.ts";

const bigGallons = 5;
const smallGallons = 3;
const actions = [
  "fill the small jug",
  "fill the big jug",
  "empty the small jug",
  "empty the big jug",
  "pour small into big",
  "pour big into small",
];

/** `forbiddenBig`: gallons that the big jug must never hold; 4 is the film's task. */
export function createDieHardModel(forbiddenBig: number | null = null): Model {
  let failedAction = 0;
  const probeHits = new Float64Array(1);
  const next = new Uint8Array(2);
  return {
    name: "die-hard",
    description: `jugs of 5 and 3 gallons${forbiddenBig === null ? "" : `, never ${forbiddenBig}`}`,
    probes: ["four gallons"],
    probeHits,
    get failedAction(): number {
      return failedAction;
    },
    initial: () => [new Uint8Array(2)],
    expand(state, emit) {
      const [big = 0, small = 0] = state;
      if (big === 4) probeHits[0] = (probeHits[0] ?? 0) + 1;
      for (let action = 0; action < actions.length; action++) {
        const [nextBig, nextSmall] = move(big, small, action);
        if (nextBig === forbiddenBig) {
          failedAction = action;
          throw new ModelViolation(`the big jug holds ${nextBig} gallons`);
        }
        next[0] = nextBig;
        next[1] = nextSmall;
        emit(action, next);
      }
    },
    describe: (_state, action) => actions[action] ?? `unknown action ${action}`,
  };
}

function move(big: number, small: number, action: number): readonly [number, number] {
  const intoBig = Math.min(small, bigGallons - big);
  const intoSmall = Math.min(big, smallGallons - small);
  if (action === 0) return [big, smallGallons];
  if (action === 1) return [bigGallons, small];
  if (action === 2) return [big, 0];
  if (action === 3) return [0, small];
  if (action === 4) return [big + intoBig, small - intoBig];
  return [big - intoSmall, small + intoSmall];
}
