/**
 * When a version of a machine is enabled, and what may get into the log before: the leader decides,
 * by what the members of the configuration in force have told of their programs, and an entry of
 * the log says it to all. No clock has a part in it. Called by `member.ts` and `proposals.ts`.
 *
 * Why it is safe: an entry that enables is appended only when every member of the configuration in
 * force at its place (learners, too) runs a program that can apply it; who comes in by a later
 * configuration is looked at when it introduces itself and when it is added; and a command of the
 * version is appended only by a leader that has applied such an entry, so behind it in every log.
 */
import type { MachineVersion, NodeId, QuorateError } from "../../base/index.ts";
import { allMembers, type MemberChange, type Raft, termAt } from "../../core/index.ts";
import {
  decodeEnable,
  encodeEnable,
  isEnableEntry,
  type VersionedMachines,
} from "../../machine/index.ts";
import type { OlderProgram, PeerEvent } from "../../transport/index.ts";
import type { EventHub } from "../events.ts";
import type { NodeLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { CommandDone, CommandRequest } from "../requests.ts";
import { firstTooNew, type ToldVersions } from "./told-versions.ts";
import { describeTooOld, type NotEnabled, programTooOld } from "./version-errors.ts";

/** `later`: this leader does not know yet what is enabled. */
export type GateVerdict =
  | { readonly kind: "free" }
  | { readonly kind: "later" }
  | { readonly kind: "held"; readonly held: NotEnabled };

export interface VersionGateHost {
  readonly raft: Raft;
  readonly limits: Pick<NodeLimits, "heartbeatMs" | "timeoutMs">;
  readonly versions: VersionedMachines | null;
  readonly told: ToldVersions;
  readonly events: EventHub;
  readonly logger: Logger;
  /** Enables without being asked to. */
  readonly automatic: boolean;
  propose(data: Uint8Array, timeoutMs: number, done: CommandDone): CommandRequest | QuorateError;
}

/** What a machine could be enabled with, as this member knows it. */
export interface VersionView {
  readonly machine: string;
  readonly known: number;
  readonly enabled: number;
  readonly members: readonly { readonly id: string; readonly version: number | null }[];
}

const free: GateVerdict = { kind: "free" };

export class VersionGate {
  readonly #host: VersionGateHost;
  /** Of the runs that we are connected to. */
  readonly #boots = new Map<NodeId, string>();
  /** In entries of this stint that are not applied yet. */
  #appended: readonly MachineVersion[] = [];
  #isProposing = false;
  #lookedMs = 0;

  constructor(host: VersionGateHost) {
    this.#host = host;
  }

  // --- what may get into the log -----------------------------------------------------------------

  /** Of a command that this program knows. @invariant this member leads */
  judge(data: Uint8Array): GateVerdict {
    const { versions } = this.#host;
    if (versions === null) return free;
    if (isEnableEntry(data)) return this.#judgeEnable(decodeEnable(data));
    const lack = versions.lacks(data);
    return lack === null ? free : this.#judgeLack(lack);
  }

  /** Of one that it does not know; null: it cannot tell what that is. */
  judgeUnknown(data: Uint8Array): NotEnabled | null {
    const { versions } = this.#host;
    const lack = versions?.tooNew(data) ?? versions?.lacksNewer(data) ?? null;
    return lack === null ? null : this.#held(lack, this.#lacking(lack, false));
  }

  #judgeLack(lack: MachineVersion): GateVerdict {
    if (lack.version > 1) {
      if (!this.#knowsLog()) return { kind: "later" };
      return { kind: "held", held: this.#held(lack, this.#lacking(lack, false)) };
    }
    // The first command of a machine: who has told that it lacks it would stop there.
    const lacking = this.#lacking(lack, false).filter(({ version }) => version !== null);
    return lacking.length === 0 ? free : { kind: "held", held: this.#held(lack, lacking) };
  }

  #judgeEnable(wanted: readonly MachineVersion[]): GateVerdict {
    if (!this.#knowsLog()) return { kind: "later" };
    for (const one of wanted) {
      if (this.#enabledVersion(one.machine) >= one.version) continue;
      const lacking = this.#lacking(one, true);
      if (lacking.length > 0) return { kind: "held", held: this.#held(one, lacking) };
    }
    this.#appended = [...this.#appended, ...wanted];
    return free;
  }

  /** All that earlier leaders have enabled is applied here. */
  #knowsLog(): boolean {
    const { log, applied, hardState } = this.#host.raft;
    return termAt(log, applied) === hardState.term;
  }

  #enabledVersion(machine: string): number {
    return this.#host.versions?.enabledVersion(machine) ?? 0;
  }

  #held({ machine, version }: MachineVersion, lacking: NotEnabled["lacking"]): NotEnabled {
    return { machine, version, enabled: this.#enabledVersion(machine), lacking };
  }

  /** `mustRun`: what was told counts only of runs that we are connected to. */
  #lacking({ machine, version }: MachineVersion, mustRun: boolean): NotEnabled["lacking"] {
    const members = allMembers(this.#host.raft.configuration);
    const all = members.map(({ id }) => ({ id, version: this.#versionOf(id, machine, mustRun) }));
    return all.filter((one) => one.version === null || one.version < version);
  }

  #versionOf(id: NodeId, machine: string, mustRun: boolean): number | null {
    const { raft, versions, told } = this.#host;
    if (id === raft.id) {
      return versions?.known.find((one) => one.machine === machine)?.version ?? 0;
    }
    if (mustRun && this.#boots.get(id) !== told.of(id)?.boot) return null;
    return told.versionOf(id, machine);
  }

  // --- who may be a member -----------------------------------------------------------------------

  /** Why the change is refused; null: not for this. @invariant this member leads */
  refuseChange(changes: readonly MemberChange[]): OlderProgram | null {
    for (const { kind, id } of changes) {
      const told = kind === "add" ? this.#host.told.of(id) : null;
      if (told === null) continue; // it is looked at when it comes
      const known = told.known === null ? null : Array.from(told.known, toVersion);
      const enabled = [...(this.#host.versions?.enabled ?? []), ...this.#appended];
      const found = firstTooNew({ enabled }, known);
      if (found !== null) {
        return { why: "older-program", id, ...found.enabled, known: found.known };
      }
    }
    return null;
  }

  // --- enabling ----------------------------------------------------------------------------------

  onTick(nowMs: number): void {
    const { raft, limits, automatic, versions } = this.#host;
    if (!automatic || versions === null || raft.leadership === null || this.#isProposing) return;
    if (nowMs - this.#lookedMs < limits.heartbeatMs) return;
    this.#lookedMs = nowMs;
    if (!this.#knowsLog()) return;
    const wanted = this.#enableable(versions);
    if (wanted.length === 0) return;
    this.#isProposing = true;
    const request = this.#host.propose(encodeEnable(wanted), limits.timeoutMs, () => {
      this.#isProposing = false;
    });
    if (request instanceof Error) this.#isProposing = false;
  }

  /** The highest version of each machine that all members can apply, above the one in force. */
  #enableable(versions: VersionedMachines): readonly MachineVersion[] {
    const wanted: MachineVersion[] = [];
    for (const { machine, version: known } of versions.known) {
      const inForce = Math.max(1, versions.enabledVersion(machine));
      if (known <= inForce) continue;
      let version = known;
      for (const { id } of allMembers(this.#host.raft.configuration)) {
        version = Math.min(version, this.#versionOf(id, machine, true) ?? 0);
      }
      if (version > inForce) wanted.push({ machine, version });
    }
    return wanted;
  }

  /** What this program has and is not enabled: for who enables by hand. */
  get missing(): readonly MachineVersion[] {
    const { versions } = this.#host;
    return (versions?.known ?? []).filter(({ machine, version }) => {
      return version > Math.max(1, this.#enabledVersion(machine));
    });
  }

  /** Each of `missing`, and who holds it back. */
  get held(): readonly NotEnabled[] {
    return this.missing.map((one) => this.#held(one, this.#lacking(one, true)));
  }

  list(): readonly VersionView[] {
    const { versions, raft } = this.#host;
    return (versions?.known ?? []).map(({ machine, version }) => ({
      machine,
      known: version,
      enabled: this.#enabledVersion(machine),
      members: allMembers(raft.configuration).map(({ id }) => ({
        id,
        version: this.#versionOf(id, machine, true),
      })),
    }));
  }

  /**
   * Before the machines apply a command. It may come to a program that was exchanged for an older
   * one after it had told.
   *
   * @throws QuorateError `PROGRAM_TOO_OLD`
   */
  check(data: Uint8Array): void {
    const { versions, raft } = this.#host;
    const found = versions?.tooNew(data) ?? null;
    if (found === null) return;
    const known = this.#versionOf(raft.id, found.machine, false);
    throw programTooOld(raft.id, null, describeTooOld(raft.id, found, known));
  }

  // --- news --------------------------------------------------------------------------------------

  onPeer(event: PeerEvent): void {
    if (event.kind === "connected") this.#boots.set(event.peer, event.boot);
    if (event.kind === "disconnected") this.#boots.delete(event.peer);
  }

  /** Another leader, or a stint of this one that has ended. */
  onRole(): void {
    if (this.#host.raft.leadership === null) this.#appended = [];
  }

  /** The machines have applied a command at `index`. */
  onApplied(data: Uint8Array, index: number): void {
    if (!isEnableEntry(data)) return;
    const { events, logger } = this.#host;
    for (const { machine, version } of decodeEnable(data)) {
      this.#appended = this.#appended.filter((one) => one.machine !== machine);
      logger.info({ machine, version, index }, `Version ${version} of ${machine} is enabled`);
      events.emit("machine-version", { machine, version, index });
    }
  }
}

function toVersion([machine, version]: readonly [string, number]): MachineVersion {
  return { machine, version };
}
