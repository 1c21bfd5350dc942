import { devVariable, type MemberMessage } from "./member-message.ts";

/** The member's end of the channel to `dev`. */
export interface ParentChannel {
  send(message: MemberMessage): void;
  /** Calls back when the parent is gone, however it went. */
  onGone(callback: () => void): void;
  /** Lets go of the channel, so that the process can end. */
  close(): void;
}

/** Null where no `dev` started this process. */
export function openParentChannel(): ParentChannel | null {
  if (process.env[devVariable] === undefined || process.send === undefined) return null;
  // The message may meet a parent that has just died: that is told by `disconnect`.
  const ignore = (): void => undefined;
  process.on("error", ignore);
  return {
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, ignore);
    },
    onGone: (callback) => {
      if (process.connected) process.once("disconnect", callback);
      else callback();
    },
    close: () => {
      if (process.connected) process.disconnect();
    },
  };
}
