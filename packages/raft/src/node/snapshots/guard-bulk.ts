/** Handlers of bulk connections whose exceptions end the member, and not its process. */
import type { BulkDialHandlers, BulkHandlers } from "../../transport/index.ts";

type Guard = (run: () => void) => void;

export function guardBulk(handlers: BulkHandlers, guard: Guard): BulkHandlers {
  return {
    onMessage: (message) => guard(() => handlers.onMessage(message)),
    onDrain: () => guard(() => handlers.onDrain()),
    onClose: (reason) => guard(() => handlers.onClose(reason)),
  };
}

export function guardDial(handlers: BulkDialHandlers, guard: Guard): BulkDialHandlers {
  return {
    ...guardBulk(handlers, guard),
    onOpen: (link) => guard(() => handlers.onOpen(link)),
  };
}
