/** That the world repeats itself, that sound code passes, and that each checker can fail. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { QuorateError } from "../../base/index.ts";
import { overloaded } from "../../node/errors.ts";
import { Member } from "../../node/index.ts";
import { MemoryInode } from "../../testing/memory-inode.ts";
import { SimDisk, StreamNetwork, Topology } from "../hosts/index.ts";
import type { CoreObserver } from "../observer.ts";
import { Violation } from "../violation.ts";
import { faultKinds, type MembersSettings, runMembers } from "./index.ts";
import type { Load, LoadMachines } from "./load.ts";
import { createStoreLoad, type StoreLoad } from "./store-load.ts";

const steps = 800;

/** The invariant that the first failing one of some seeds broke, or null. */
function firstFailure(settings: MembersSettings, seeds = 12): string | null {
  for (let seed = 1; seed <= seeds; seed++) {
    const { failure } = runMembers(seed, { steps, ...settings });
    if (failure !== null) return failure.invariant;
  }
  return null;
}

type StoreMachines = LoadMachines<{ readonly verb: string }, number>;

/** The store with machines that are changed by `change`. */
function changed(change: (machines: StoreMachines, at: number) => Partial<StoreMachines>) {
  return (): Load<unknown, unknown> => {
    const load: StoreLoad = createStoreLoad({
      ...{ reads: 0.4, paddingBytesMax: 0, takesSnapshots: true },
    });
    const createMachines = (at: number) => {
      const machines = load.createMachines(at) as unknown as StoreMachines;
      return { ...machines, ...change(machines, at) };
    };
    return { ...load, createMachines } as unknown as Load<unknown, unknown>;
  };
}

afterEach(() => vi.restoreAllMocks());

describe("the world of whole members", () => {
  it("finds nothing in 12 seeds, and puts nearly everything to the test", () => {
    const sum: Record<string, number> = {};
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 25, 27]) {
      const harm: MembersSettings =
        seed > 20 ? { faults: ["damage", "burst"], memberCount: 5 } : {};
      const run = runMembers(seed, { steps: 1500, ...harm });
      expect(run.failure?.message).toBeUndefined();
      expect(run.recovered?.timeouts).toBeLessThan(30);
      for (const [id, count] of Object.entries(run.memberEvaluations)) {
        sum[id] = (sum[id] ?? 0) + count;
      }
    }
    const never = Object.keys(sum).filter((id) => sum[id] === 0);
    expect(never).toEqual([]);
  });

  it("does the same again, in this process and in another one", () => {
    const seeds = [3, 4, 5];
    const hashes = () => seeds.map((seed) => runMembers(seed, { steps }).hash);
    const first = hashes();
    expect(hashes()).toEqual(first);
    expect(new Set(first).size).toBe(seeds.length);
    const index = fileURLToPath(new URL("index.ts", import.meta.url));
    const script =
      `import { runMembers } from ${JSON.stringify(index)};` +
      `console.log(JSON.stringify(${JSON.stringify(seeds)}` +
      `.map((seed) => runMembers(seed, { steps: ${steps} }).hash)));`;
    const words = ["--import", "tsx", "--input-type=module", "--eval", script];
    expect(JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }))).toEqual(first);
  });

  it("knows every kind of fault", () => {
    for (const kind of faultKinds) {
      const run = runMembers(7, { steps, memberCount: 3, faults: [kind] });
      expect([kind, run.failure?.message]).toEqual([kind, undefined]);
      const isOn = Object.entries(run.options.rates).filter(([, rate]) => rate > 0);
      expect(isOn.map(([name]) => name)).toEqual([kind]);
    }
  });

  it("puts back what was harmed when a directory is refused, and goes on with that member", () => {
    let restored = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const run = runMembers(seed, { steps, memberCount: 3, faults: ["damage", "kill"] });
      expect(run.failure?.message).toBeUndefined();
      restored += run.faults["nemesis.restore"] ?? 0;
    }
    expect(restored).toBeGreaterThan(0);
  });

  it("tells its observers everything in order, and stops at the first that throws", () => {
    const seen: string[] = [];
    const observer: CoreObserver = {
      onStart: (at) => seen.push(`start ${at}`),
      onStep: () => {},
      onPropose: () => {},
      onChange: () => {},
      onTransfer: () => {},
      onTake: () => {},
      onDurable: () => {},
      onLeave: () => {},
      onCrash: (at) => {
        seen.push(`crash ${at}`);
        if (seen.length > 8) throw new Error("seen enough");
      },
    };
    let failure = null;
    for (let seed = 1; failure === null && seed < 12; seed++) {
      seen.length = 0;
      failure = runMembers(seed, { faults: ["kill"], observers: [() => observer] }).failure;
    }
    expect(failure).toMatchObject({ invariant: "crash", message: "seen enough" });
    expect(failure?.trace.split("\n").length).toBeGreaterThan(50);
    for (const [i, line] of seen.entries()) {
      const [what, at] = line.split(" ");
      const before = seen
        .slice(0, i)
        .filter((one) => one.endsWith(` ${at}`))
        .at(-1);
      expect(before?.startsWith("start") ?? false).toBe(what === "crash");
    }
  });
});

describe("planted errors", () => {
  it("X1: a machine that throws", () => {
    let count = 0;
    const load = changed(({ apply }) => ({
      apply: (...all) => {
        if (++count > 20) throw new Error("no");
        return apply(...all);
      },
    }));
    expect(firstFailure({ load, faults: [] })).toBe("X1");
  });

  it("D7: a member whose machine skips a command", () => {
    const load = changed(({ apply }, at) => ({
      apply: (data, index, ...rest) => (at === 1 && index === 9 ? 0 : apply(data, index, ...rest)),
    }));
    expect(firstFailure({ load, faults: [], memberCount: 3 })).toBe("D7");
  });

  it("D5: a machine that remembers its former life", () => {
    const load = () => {
      const newest = new Map<number, number>();
      return changed(({ apply, hash }, at) => {
        let isReplay = false;
        return {
          apply: (data, index, ...rest) => {
            isReplay = index <= (newest.get(at) ?? 0);
            if (!isReplay) newest.set(at, index);
            return apply(data, index, ...rest);
          },
          hash: () => (isReplay ? hash() + 1 : hash()),
        };
      })();
    };
    expect(firstFailure({ load, faults: ["kill"], memberCount: 3 })).toBe("D5");
  });

  it("L: a machine whose own invariant breaks", () => {
    const load = changed(() => ({
      check: () => {
        throw new Violation("L", "money was made");
      },
    }));
    expect(firstFailure({ load, faults: [] })).toBe("L");
  });

  it("X2: commands that get into the log twice", () => {
    const { propose } = Member.prototype;
    let count = 0;
    vi.spyOn(Member.prototype, "propose").mockImplementation(function (this: Member, ...all) {
      const [data, timeoutMs] = all;
      if (++count % 20 === 0) propose.call(this, data, timeoutMs, () => {});
      return propose.call(this, ...all);
    });
    expect(firstFailure({ faults: [] })).toBe("X2");
  });

  it("L3: a read that is behind", () => {
    const old = new Map<string, number>();
    let count = 0;
    const load = changed(({ answer }) => ({
      answer: (input) => {
        const now = answer(input);
        const key = JSON.stringify(input);
        const before = old.get(key) ?? now;
        old.set(key, now);
        return ++count % 10 === 0 ? before : now;
      },
    }));
    expect(firstFailure({ load, faults: [] })).toBe("L3");
  });

  it("R: a request that is never answered", () => {
    const { read } = Member.prototype;
    let count = 0;
    vi.spyOn(Member.prototype, "read").mockImplementation(function (this: Member, ms, done) {
      return read.call(this, ms, ++count % 20 === 0 ? () => {} : done);
    });
    expect(firstFailure({ faults: [] })).toBe("R");
  });

  it("R: a request that is answered twice", () => {
    const { read } = Member.prototype;
    vi.spyOn(Member.prototype, "read").mockImplementation(function (this: Member, ms, done) {
      return read.call(this, ms, (error) => {
        done(error);
        done(error);
      });
    });
    expect(firstFailure({ faults: [] })).toBe("R");
  });

  it("D6: a restored machine that is not as those that applied", () => {
    const load = changed(() => ({ restore: () => ({ write: () => {}, finish: () => {} }) }));
    const features: MembersSettings["features"] = ["snapshots"];
    expect(firstFailure({ load, features, faults: ["kill"] })).toBe("D6");
  });

  it("T: a transfer that names another leader than was asked for", () => {
    const { transferLeadership } = Member.prototype;
    vi.spyOn(Member.prototype, "transferLeadership").mockImplementation(function (
      this: Member,
      to,
      timeoutMs,
      done,
    ) {
      const told: typeof done = (error) =>
        error === null ? done(null, this.raft.id) : done(error);
      return transferLeadership.call(this, to, timeoutMs, told);
    });
    expect(firstFailure({ features: ["transfers"], faults: [], memberCount: 3 })).toBe("T");
  });

  it("L3: a read by a lease that nobody has", () => {
    const { read } = Member.prototype;
    vi.spyOn(Member.prototype, "read").mockImplementation(function (
      this: Member,
      timeoutMs,
      done,
      byLease,
    ) {
      if (byLease !== true) return read.call(this, timeoutMs, done);
      const request = read.call(this, timeoutMs, () => {}, true);
      if (!(request instanceof QuorateError)) done(null);
      return request;
    });
    const settings: MembersSettings = { features: ["leases"], faults: [], memberCount: 3 };
    expect(firstFailure(settings)).toMatch(/^(H|L3|real-time)/);
    vi.restoreAllMocks();
    expect(firstFailure(settings)).toBeNull();
  });

  it("D2: disks that call synced what is not", () => {
    vi.spyOn(MemoryInode.prototype, "sync").mockImplementation(() => {});
    expect(firstFailure({ faults: ["power-loss"], memberCount: 3 })).toBe("D2");
  });

  it("V2: a member that takes no writes", () => {
    const { propose } = Member.prototype;
    const asked = new Map<Member, number>();
    vi.spyOn(Member.prototype, "propose").mockImplementation(function (this: Member, ...all) {
      if (!asked.has(this)) asked.set(this, asked.size);
      const isDeaf = (asked.get(this) ?? 0) % 3 === 0;
      return isDeaf ? overloaded("waitingCountMax", 0) : propose.call(this, ...all);
    });
    expect(firstFailure({ faults: [], memberCount: 3 })).toBe("V2");
  });

  it("V8: a connection whose queue grows without a limit", () => {
    vi.spyOn(StreamNetwork.prototype, "queuedBytesMost", "get").mockReturnValue(1e9);
    expect(firstFailure({ faults: [], memberCount: 3 })).toBe("V8");
  });

  it("X3: a member that was lost and is heard all the same", () => {
    vi.spyOn(SimDisk.prototype, "wipe").mockImplementation(() => {});
    expect(firstFailure({ faults: [], memberCount: 3 })).toBe("X3");
  });

  it("V1 or V2: a network that does not heal", () => {
    vi.spyOn(Topology.prototype, "healAll").mockImplementation(function (this: Topology) {
      this.partition([]);
    });
    expect(firstFailure({ faults: [], memberCount: 3 })).toMatch(/^V[12]$/);
  });
});
