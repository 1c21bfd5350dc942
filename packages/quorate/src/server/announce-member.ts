/**
 * Adds members, and is done when they are in the committed configuration: what becomes of a learner
 * stands there, and any leader goes on with it. Nobody has to wait until the new process has
 * started and caught up, and `members.add` would.
 */
import { isQuorateError, type MemberStatus } from "@quorate/raft";
import type { Backend } from "./backend.ts";

export interface Announcement {
  readonly id: string;
  /** `host:port` */
  readonly address: string;
  /** `promoted-learner`: it becomes a voter once it has caught up. */
  readonly as: "promoted-learner" | "learner" | "voter";
  /** Whose place it takes, then; with `promoted-learner`. */
  readonly replaces: string | null;
}

/**
 * Resolves when the member is in: as a learner, or, with `as: "voter"`, as a voter.
 *
 * @throws QuorateError of `members.add` and `members.replace`
 */
export async function announceMember(
  { node }: Pick<Backend, "node">,
  announcement: Announcement,
  timeoutMs: number,
): Promise<void> {
  const { id, address, as, replaces } = announcement;
  if (as !== "promoted-learner") {
    await node.members.add(id, address, { timeoutMs, ...addOptions[as] });
    return;
  }
  if (isAnnounced(node, announcement)) return;
  const ending = new AbortController();
  const options = { timeoutMs, signal: ending.signal };
  const isIn = (): boolean => isMember(node, announcement);
  const seen = whenMembers(node, isIn);
  const promoted =
    replaces === null
      ? node.members.add(id, address, options)
      : node.members.replace(replaces, id, address, options);
  try {
    await Promise.race([promoted, seen.promise]);
  } catch (error) {
    // It takes longer than the caller waits until it is a voter; in it is.
    if (!(isQuorateError(error, "TIMEOUT") && isIn())) throw error;
  } finally {
    seen.stop();
    promoted.catch(() => undefined); // it is not waited for any more
    ending.abort();
  }
}

const addOptions = { learner: { learner: true }, voter: { autoPromote: false } } as const;

type ServerNode = Backend["node"];

function isMember(node: ServerNode, { id, address }: Announcement): boolean {
  const { members, changing } = node.status();
  const isIt = (member: MemberStatus) => member.id === id && member.address === address;
  return !changing && members.some(isIt);
}

/** It waits to be promoted already, to the same end. */
function isAnnounced(node: ServerNode, announcement: Announcement): boolean {
  const found = node.status().members.find(({ id }) => id === announcement.id);
  const plan = found?.whenReady ?? null;
  return plan?.replaces === announcement.replaces && isMember(node, announcement);
}

/** Looks at each change of the members. */
function whenMembers(
  node: ServerNode,
  isSo: () => boolean,
): { readonly promise: Promise<void>; readonly stop: () => void } {
  let stop = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    const look = (): void => {
      if (isSo()) resolve();
    };
    // The event comes while the node is at work: its status is looked at afterwards.
    stop = node.on("membership", () => queueMicrotask(look));
  });
  return { promise, stop: () => stop() };
}
