/** Versions of machines as programs see and enable them: `node.versions`. */
import { encodeEnable, type ProposeOptions } from "../../machine/index.ts";
import { callMember, type HostParts } from "../machine-host.ts";
import type { VersionView } from "./version-gate.ts";

/** A machine of this program, and what the members can apply of it. */
export type MachineVersions = VersionView;

export interface Versions {
  /**
   * Each declared machine: the version of this program (`known`), the one in force here (`enabled`,
   * 0 before its first command), and what each member that this one is connected to can apply
   * (`version`: 0 if it does not have the machine, null if it has not told or is not there).
   */
  list(): readonly MachineVersions[];
  /**
   * Enables what this member's program has, once every member can apply it; for
   * `enableVersions: "manual"`. Resolves when it is in force here. There is no way back.
   *
   * @throws QuorateError `NOT_ENABLED_YET`, which names who holds it back, and those of every
   * proposal
   */
  enable(options?: ProposeOptions): Promise<void>;
}

export function createVersions(parts: HostParts): Versions {
  const { member } = parts;
  return {
    list: () => member.versions.list(),
    enable: async (options) => {
      const { missing } = member.versions;
      if (missing.length === 0) return;
      const data = encodeEnable(missing);
      await callMember(parts, options, (timeoutMs, done) => member.propose(data, timeoutMs, done));
    },
  };
}
