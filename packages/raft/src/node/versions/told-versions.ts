/**
 * What the programs of the others can apply, as they told when they introduced themselves. Kept in
 * memory only: what a program can is known by its run. Filled by `peer-memory.ts`.
 */
import type { MachineVersion, NodeId } from "../../base/index.ts";
import type { VersionedMachines } from "../../machine/index.ts";
import type { Introduction } from "../../transport/index.ts";

export interface ToldVersion {
  /** Of the run that told. */
  readonly boot: string;
  /** Null: its program does not tell. */
  readonly known: ReadonlyMap<string, number> | null;
}

/** Members, and some that are to be; the oldest is forgotten first. */
const toldMax = 256;

export class ToldVersions {
  readonly #told = new Map<NodeId, ToldVersion>();

  of(id: NodeId): ToldVersion | null {
    return this.#told.get(id) ?? null;
  }

  note({ identity, machines }: Pick<Introduction, "identity" | "machines">): void {
    const { id, boot } = identity;
    this.#told.delete(id);
    const known =
      machines === null
        ? null
        : new Map(machines.map(({ machine, version }) => [machine, version]));
    this.#told.set(id, { boot, known });
    const [oldest] = this.#told.keys();
    if (this.#told.size > toldMax && oldest !== undefined) this.#told.delete(oldest);
  }

  /** The highest version that `id` has told of the machine; 0: it has none; null: not told. */
  versionOf(id: NodeId, machine: string): number | null {
    const known = this.#told.get(id)?.known ?? null;
    return known === null ? null : (known.get(machine) ?? 0);
  }
}

/**
 * What is enabled and a program cannot apply; null: nothing. Who does not tell can apply what every
 * program could: version 1.
 */
export function firstTooNew(
  versions: Pick<VersionedMachines, "enabled"> | null,
  known: readonly MachineVersion[] | null,
): { readonly enabled: MachineVersion; readonly known: number | null } | null {
  for (const enabled of versions?.enabled ?? []) {
    if (known === null) {
      if (enabled.version > 1) return { enabled, known: null };
      continue;
    }
    const has = known.find(({ machine }) => machine === enabled.machine)?.version ?? 0;
    if (has < enabled.version) return { enabled, known: has };
  }
  return null;
}
