import { describe, expect, it } from "vitest";
import { crc32, logIndex, nodeId, term } from "../base/index.ts";
import { StorageWorld, worldDirectory } from "../testing/storage-world.ts";
import { decodeIdentity, encodeIdentity } from "./identity.ts";
import type { OpenedDirectory } from "./open-directory.ts";
import {
  createPeerRecordStore,
  decodePeerRecords,
  encodePeerRecords,
  type PeerRecord,
} from "./peer-records.ts";
import { StorageDamage, UnknownFormatError } from "./storage-errors.ts";

const cluster = "00000000000000c1";
const path = `${worldDirectory}/peers`;

function recordOf(name: string): PeerRecord {
  return {
    ...{ id: nodeId(name), incarnation: "0123456789abcdef", boot: "fedcba9876543210" },
    ...{ term: term(7), acked: logIndex(44), committed: logIndex(41) },
  };
}

function opened(result: OpenedDirectory | Error): OpenedDirectory {
  if (result instanceof Error) throw result;
  return result;
}

/** A directory with a log, in which `records` were saved. */
function withRecords(records: readonly PeerRecord[]): StorageWorld {
  const world = new StorageWorld();
  const { identity } = opened(world.openDirectory(cluster));
  world.openLog({ identity });
  const place = { disk: world.disk, crc32, directory: worldDirectory, clusterId: cluster };
  const store = createPeerRecordStore(place);
  world.wait<true, Error>((done) => store.save(records, (error) => done(error, true)));
  return world;
}

describe("what is remembered of the peers", () => {
  it("has these bytes", () => {
    const bytes = encodePeerRecords(cluster, [recordOf("b")], crc32);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    expect(hex.slice(0, 48)).toBe(
      "71756f722d707273" + "0100" + "00000000000000c1" + "0100" + "2b000000",
    );
    expect(hex.slice(1024)).toBe(
      "010062" +
        "0123456789abcdef" +
        "fedcba9876543210" +
        "0700000000000000" +
        "2c00000000000000" +
        "2900000000000000",
    );
  });

  it("is there after a power cut", () => {
    const records = [recordOf("b"), recordOf("c")];
    const world = withRecords(records);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    expect(opened(world.openDirectory(cluster)).peers).toEqual(records);
  });

  it("is refused when a byte of it is wrong, when it is of another cluster or version", () => {
    const bytes = encodePeerRecords(cluster, [recordOf("b")], crc32);
    const read = (changed: Uint8Array, ofCluster = cluster) =>
      decodePeerRecords(changed, ofCluster, "peers", crc32);
    for (const at of [0, 12, 40, 508, 513, bytes.length - 1]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => read(damaged)).toThrow(StorageDamage);
    }
    expect(() => read(bytes.subarray(0, bytes.length - 1))).toThrow(StorageDamage);
    expect(() => read(new Uint8Array(512))).toThrow("it is all zeros");
    expect(() => read(bytes, "00000000000000c2")).toThrow(`it is of cluster ${cluster}`);
    const later = Uint8Array.from(bytes);
    later[8] = 2;
    new DataView(later.buffer).setUint32(508, crc32(later.subarray(0, 508)), true);
    expect(() => read(later)).toThrow(UnknownFormatError);
  });

  it("goes with a log that was removed", () => {
    const world = withRecords([recordOf("b")]);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    for (const name of ["hard-state.0", "hard-state.1", "log-end", "log-0000000000000001.wal"]) {
      world.disk.drop(`${worldDirectory}/${name}`);
    }
    const { fresh, peers } = opened(world.openDirectory(cluster));
    expect([fresh, peers]).toEqual([true, []]);
  });

  it("is damage where it cannot be read, not nothing", () => {
    const world = withRecords([recordOf("b")]);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    world.disk.poke(path, (bytes) => {
      bytes[513] = (bytes[513] ?? 0) ^ 1;
      return bytes;
    });
    expect(world.openDirectory(cluster)).toBeInstanceOf(StorageDamage);
  });
});

describe("the identity of a member that joined", () => {
  it("says so, in a version that older programs refuse", () => {
    const identity = {
      ...{ clusterId: cluster, member: nodeId("d"), incarnation: "0123456789abcdef" },
      joined: true as const,
    };
    const bytes = encodeIdentity(identity, crc32);
    expect(bytes[8]).toBe(2);
    expect(decodeIdentity(bytes, "identity", crc32)).toEqual(identity);
    const { joined: _, ...formed } = identity;
    expect(encodeIdentity(formed, crc32)[8]).toBe(1);
    expect(decodeIdentity(encodeIdentity(formed, crc32), "identity", crc32)).toEqual(formed);
  });
});
