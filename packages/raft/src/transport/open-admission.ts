/**
 * The admission of a transport without a node behind it: remembers incarnations while it runs, and
 * lets in whom it knows. For tests and tools.
 */
import { type MachineVersion, type NodeId, noIndex, noTerm } from "../base/index.ts";
import type { Admission, Introduction, JoinAnswer, Refused, Standing } from "./admission.ts";

const nothing: Standing = { term: noTerm, last: noIndex, commit: noIndex, mustCatchUp: false };

export class OpenAdmission implements Admission {
  readonly address: string;
  readonly standing: Standing = nothing;
  readonly machines: readonly MachineVersion[] = [];
  readonly #incarnations = new Map<NodeId, string>();

  constructor(address: string) {
    this.address = address;
  }

  incarnationOf(id: NodeId): string | null {
    return this.#incarnations.get(id) ?? null;
  }

  isRemoved(): boolean {
    return false;
  }

  admit({ identity }: Introduction, done: (refused: Refused | null) => void): void {
    this.#incarnations.set(identity.id, identity.incarnation);
    done(null);
  }

  onPeers(peers: ReadonlySet<NodeId>): void {
    for (const id of [...this.#incarnations.keys()]) {
      if (!peers.has(id)) this.#incarnations.delete(id);
    }
  }

  answerJoin(): JoinAnswer | Refused {
    return { why: "not-ready", text: "nobody can join a cluster through this transport" };
  }
}
