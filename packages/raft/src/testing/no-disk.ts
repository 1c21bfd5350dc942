/**
 * A disk that refuses: members in memory have none, and a test that touches one should hear of it.
 */
import { type Clock, type Disk, DiskError } from "../ports/index.ts";

export function createNoDisk(clock: Clock): Disk {
  const refuse =
    (operation: string) =>
    (path: string, ...rest: readonly unknown[]): void => {
      const done = rest.at(-1);
      if (typeof done !== "function") return;
      const error = new DiskError(operation, path, "ENODEV", "this member is in memory");
      clock.defer(() => done(error));
    };
  return {
    makeDirectory: refuse("make the directory"),
    list: refuse("list"),
    open: refuse("open"),
    rename: refuse("rename"),
    remove: refuse("remove"),
    syncDirectory: refuse("sync the directory"),
    lock: refuse("lock"),
  };
}
