/** What became of every write of a test, and whether the log of the cluster agrees with it. */
import type { ToldError } from "./member-messages.ts";

export class WriteLedger {
  /** In the order in which they were reported; a client's own are in its order. */
  readonly applied: string[] = [];
  readonly notApplied: string[] = [];
  readonly unknown: string[] = [];
  /** Errors by code. */
  readonly codes = new Map<string, number>();

  record(value: string, error: ToldError | null): void {
    if (error === null) {
      this.applied.push(value);
      return;
    }
    const code = error.code ?? error.name;
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    if (error.outcome === "not-applied") this.notApplied.push(value);
    else if (error.outcome === "unknown") this.unknown.push(value);
    else this.applied.push(value);
  }

  /**
   * Everything in which `values`, the log of the cluster, contradicts what was promised.
   *
   * @param appliedCount how many were acknowledged when the log was asked for; later ones may be
   * missing in it
   */
  contradictions(values: readonly string[], appliedCount = this.applied.length): string[] {
    const places = new Map<string, number>();
    const found: string[] = [];
    for (const [at, value] of values.entries()) {
      if (places.has(value)) found.push(`${value} is in the log twice`);
      places.set(value, at);
    }
    for (const value of this.notApplied) {
      if (places.has(value)) found.push(`${value} was reported as not applied and is in the log`);
    }
    const last = new Map<string, number>();
    for (const value of this.applied.slice(0, appliedCount)) {
      const place = places.get(value);
      if (place === undefined) {
        found.push(`${value} was acknowledged and is lost`);
        continue;
      }
      const client = value.slice(0, value.lastIndexOf("."));
      if (place < (last.get(client) ?? -1)) found.push(`${value} is before an earlier write`);
      last.set(client, place);
    }
    return found;
  }

  /** `812 applied, 3 not applied, 5 unknown (LEADERSHIP_LOST 5, NO_QUORUM 3)`. */
  get summary(): string {
    const codes = [...this.codes].sort().map(([code, count]) => `${code} ${count}`);
    const errors = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
    return (
      `${this.applied.length} applied, ${this.notApplied.length} not applied, ` +
      `${this.unknown.length} unknown${errors}`
    );
  }
}
