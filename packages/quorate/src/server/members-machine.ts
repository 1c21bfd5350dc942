/**
 * What members say of themselves to clients: their client URLs, by the name in the log. Written by
 * each member when it starts, through the log like everything else.
 */
import { type MachineDeclaration, type MachineHandle, machine } from "@quorate/raft";

export interface MemberAttributes {
  readonly clientUrls: readonly string[];
  readonly version: string;
  /** The name that it was started with, where that is not the one under which it was added. */
  readonly shownAs?: string;
}

export interface PublishArguments extends MemberAttributes {
  readonly name: string;
}

export interface MembersState {
  members: Record<string, MemberAttributes>;
}

// A type and not an interface: only types have the index signature that a table of commands needs.
export type MembersCommands = {
  publish(this: void, state: MembersState, argument: PublishArguments): void;
};

export const membersMachine: MachineDeclaration<MachineHandle<MembersState, MembersCommands>> =
  machine({
    version: 1,
    initial: (): MembersState => ({ members: {} }),
    commands: {
      publish(state: MembersState, { name, ...attributes }: PublishArguments): void {
        const { clientUrls, version, shownAs } = attributes;
        const shown = shownAs === undefined ? {} : { shownAs };
        state.members[name] = { clientUrls, version, ...shown };
      },
    },
  });
