/**
 * Directed graphs that grow edge by edge, up to renumbering of the nodes: the states are the
 * classes of digraphs, whose numbers are known (OEIS A000273: 1, 3, 16, 218, 9608). The explorer
 * tests its symmetry with it.
 */
import { createDigraphCanonizer, edgeBit } from "../digraphs.ts";
import type { Model } from "../model.ts";

/** Graphs on `nodes` nodes, 1 to 5. Action `from * nodes + to` adds that edge. */
export function createDigraphModel(nodes: number): Model {
  const canonize = createDigraphCanonizer(nodes);
  const probeHits = new Float64Array(1);
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  const full = nodes * (nodes - 1);
  return {
    name: `digraphs-${nodes}`,
    description: `digraphs on ${nodes} nodes, up to renumbering`,
    probes: ["complete graph"],
    probeHits,
    failedAction: 0,
    initial: () => [new Uint8Array(4)],
    expand(state, emit) {
      const graph = new DataView(state.buffer, state.byteOffset, 4).getUint32(0, true);
      let edges = 0;
      for (let from = 0; from < nodes; from++) {
        for (let to = 0; to < nodes; to++) {
          const edge = edgeBit(nodes, from, to);
          if ((graph & edge) !== 0) edges++;
          else if (from !== to) {
            view.setUint32(0, canonize(graph | edge), true);
            emit(from * nodes + to, bytes);
          }
        }
      }
      if (edges === full) probeHits[0] = (probeHits[0] ?? 0) + 1;
    },
    describe: (_state, action) => `add edge ${Math.floor(action / nodes)} -> ${action % nodes}`,
  };
}
