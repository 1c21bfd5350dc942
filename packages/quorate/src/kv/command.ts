/**
 * A write as it stands in the log: one byte that says what it is, then the client's request as it
 * came on the wire. A request whose meaning changes gets a new number: numbers are never used
 * again, and a member that does not know one halts rather than guess.
 */

/** What the first byte of a command says. */
export const commandOps = { put: 1, "delete-range": 2, txn: 3 } as const;

/** Of the machine: raised with each new number and each change of what one does. */
export const kvMachineVersion = 1;

/** The version of the machine that brought each command, by its first byte. */
const versionsOfOps: ReadonlyMap<number, number> = new Map([
  [commandOps.put, 1],
  [commandOps["delete-range"], 1],
  [commandOps.txn, 1],
]);

/** The version that a command needs; one that this program does not have for an unknown one. */
export function kvCommandVersion(command: Uint8Array): number {
  return versionsOfOps.get(command[0] ?? 0) ?? kvMachineVersion + 1;
}

export type CommandKind = keyof typeof commandOps;

/** The command for a request's bytes. */
export function encodeCommand(kind: CommandKind, request: Uint8Array): Uint8Array {
  const command = new Uint8Array(1 + request.length);
  command[0] = commandOps[kind];
  command.set(request, 1);
  return command;
}
