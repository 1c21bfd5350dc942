/** Changes of the members, and who the members are, in few words. */
import { nodeId } from "../../src/base/index.ts";
import {
  type Configuration,
  describeConfiguration,
  type Entry,
  encodeConfiguration,
  type MemberChange,
} from "../../src/core/index.ts";
import { entryOf, type Lab, raftOf } from "./lab.ts";

export function add(name: string, as: "voter" | "learner" = "voter"): MemberChange {
  return { kind: "add", id: nodeId(name), address: `${name}:1`, as };
}

export function remove(name: string): MemberChange {
  return { kind: "remove", id: nodeId(name) };
}

export function promote(name: string): MemberChange {
  return { kind: "promote", id: nodeId(name) };
}

export function demote(name: string): MemberChange {
  return { kind: "demote", id: nodeId(name) };
}

/** What is in force at a member, such as `voters=n1,n2 outgoing=n1,n3 learners=n4`. */
export function membersAt(lab: Lab, name: string): string {
  return describeConfiguration(raftOf(lab, name).configuration);
}

/** What is known to be committed at a member. */
export function committedAt(lab: Lab, name: string): string {
  return describeConfiguration(raftOf(lab, name).committedConfiguration);
}

/** The entry of a configuration, at a place. */
export function configurationEntry(
  index: number,
  ofTerm: number,
  configuration: Configuration,
): Entry {
  const data = encodeConfiguration(configuration);
  return { ...entryOf(index, ofTerm), kind: "configuration", data };
}
