import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LogIndex, logIndex, term } from "../base/index.ts";
import { PlacedCommands } from "./placed-commands.ts";
import { CommandRequest } from "./requests.ts";

const owner = { onSettled: () => undefined, onExpired: () => undefined };

function placedAt(index: number): CommandRequest {
  const request = new CommandRequest(owner, new Uint8Array(0), 0, 1, () => undefined);
  request.index = logIndex(index);
  request.term = term(1);
  return request;
}

/** The same in the plainest way: a list, sorted when it is looked at. */
class Twin {
  items: CommandRequest[] = [];

  lowest(): LogIndex | null {
    const indexes = this.items.map((item) => item.index ?? logIndex(0));
    return indexes.length === 0 ? null : logIndex(Math.min(...indexes));
  }

  takeAt(index: number): Set<CommandRequest> {
    const taken = new Set(this.items.filter((item) => item.index === index));
    this.items = this.items.filter((item) => item.index !== index);
    return taken;
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), ahead: fc.nat(12) }),
  fc.record({ kind: fc.constant("apply" as const) }),
  fc.record({ kind: fc.constant("remove" as const), at: fc.nat() }),
);

describe("placed commands", () => {
  it("agree with a sorted list, whatever is added, applied and removed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const placed = new PlacedCommands();
        const twin = new Twin();
        let applied = 0;
        for (const one of steps) {
          if (one.kind === "add") {
            const request = placedAt(applied + 1 + one.ahead);
            placed.add(request);
            twin.items.push(request);
          } else if (one.kind === "apply") {
            applied++;
            const taken = new Set<CommandRequest>();
            for (let next = placed.take(logIndex(applied)); next !== null; ) {
              taken.add(next);
              next = placed.take(logIndex(applied));
            }
            expect(taken).toEqual(twin.takeAt(applied));
          } else {
            const request = twin.items[one.at % Math.max(1, twin.items.length)];
            if (request === undefined) continue;
            placed.remove(request);
            placed.remove(request);
            twin.items = twin.items.filter((item) => item !== request);
          }
          expect(placed.lowest).toBe(twin.lowest());
        }
        expect(new Set(placed.takeAll())).toEqual(new Set(twin.items));
        expect(placed.lowest).toBeNull();
      }),
    );
  });

  it("gives its slots back while many wait", () => {
    const placed = new PlacedCommands();
    for (let index = 1; index <= 5_000; index++) placed.add(placedAt(index));
    for (let index = 1; index <= 4_999; index++) {
      expect(placed.take(logIndex(index))?.index).toBe(index);
    }
    expect(placed.lowest).toBe(5_000);
  });
});
