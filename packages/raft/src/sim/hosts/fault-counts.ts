/** How often each kind of fault was injected: proof that a world was as bad as it claims to be. */

export class FaultCounts {
  /** By kind, such as `disk.sync-error` or `network.reset`. */
  readonly byKind: Record<string, number> = {};

  add(kind: string, count = 1): void {
    this.byKind[kind] = (this.byKind[kind] ?? 0) + count;
  }

  of(kind: string): number {
    return this.byKind[kind] ?? 0;
  }

  get total(): number {
    let sum = 0;
    for (const count of Object.values(this.byKind)) sum += count;
    return sum;
  }
}
