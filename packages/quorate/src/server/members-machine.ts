/**
 * What members say of themselves to clients: their client URLs, by name. Written by each member when it starts,
 * through the log like everything else.
 */
import { machine } from "@quorate/raft";

export interface MemberAttributes {
  readonly clientUrls: readonly string[];
  readonly version: string;
}

export interface PublishArguments extends MemberAttributes {
  readonly name: string;
}

export const membersMachine = machine({
  version: 1,
  initial: () => ({ members: {} as Record<string, MemberAttributes> }),
  commands: {
    publish(state, { name, clientUrls, version }: PublishArguments) {
      state.members[name] = { clientUrls, version };
    },
  },
});
