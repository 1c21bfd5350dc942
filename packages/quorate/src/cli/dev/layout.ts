/**
 * The members of a development cluster: names, ports, and the file that remembers them beside their
 * data.
 */

export interface MemberLayout {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export type Layout = readonly MemberLayout[];

/** The least that goes on without one. */
export const nodesDefault = 3;
/** More voters make writes slower and nothing safer. */
export const nodesMax = 7;
/** The last port that `--base-port` can begin with, for one member. */
export const basePortMax = 65_534;
const names = ["a", "b", "c", "d", "e", "f", "g"];
/** etcd's customary ports for several members on one machine: 2379, 22379, 32379 and so on. */
const portSteps = [0, 20_000, 30_000, 40_000, 50_000, 60_000, 10_000];

/**
 * @param basePort The first client port, others at steps of ten, peers one above; null for the
 * customary ports
 */
export function createLayout(nodes: number, basePort: number | null): Layout {
  return names.slice(0, nodes).map((name, at) => {
    const clientPort = basePort === null ? 2_379 + (portSteps[at] ?? 0) : basePort + 10 * at;
    return { name, clientPort, peerPort: clientPort + 1 };
  });
}

/** Null if the text is not what `formatLayout` writes. */
export function parseLayout(text: string): Layout | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !("members" in value)) return null;
  const { members } = value;
  if (!Array.isArray(members) || members.length === 0) return null;
  return members.every(isMemberLayout) ? members : null;
}

export function formatLayout(layout: Layout): string {
  return `${JSON.stringify({ members: layout }, null, 2)}\n`;
}

function isMemberLayout(value: unknown): value is MemberLayout {
  if (typeof value !== "object" || value === null) return false;
  if (!("name" in value && "clientPort" in value && "peerPort" in value)) return false;
  const { name, clientPort, peerPort } = value;
  return typeof name === "string" && isPort(clientPort) && isPort(peerPort);
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65_535;
}

export function isSameLayout(a: Layout, b: Layout): boolean {
  return formatLayout(a) === formatLayout(b);
}

export function clientUrlOf({ clientPort }: MemberLayout): string {
  return `http://127.0.0.1:${clientPort}`;
}

export function peerUrlOf({ peerPort }: MemberLayout): string {
  return `http://127.0.0.1:${peerPort}`;
}
