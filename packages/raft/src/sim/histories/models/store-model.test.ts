import { describe, expect, it } from "vitest";
import {
  accountStart,
  digest,
  drawStoreRead,
  drawStoreWrite,
  encodeStoreInput,
  Store,
  type StoreInput,
} from "../../members/store.ts";
import { createRandom } from "../../random.ts";
import { checkLinearizable } from "../check-linearizable.ts";
import { replicaOf } from "../sequential-model.ts";
import { generateHistory, type Workload } from "../testing/generate-history.ts";
import { judgeByRevision } from "../testing/judge.ts";
import { createStoreModel } from "./store-model.ts";

const model = createStoreModel({ accountStart, digest });

describe("the model of the store", () => {
  it("answers as the store does", () => {
    const random = createRandom(1, 1);
    const store = new Store();
    const replica = replicaOf(model);
    for (let id = 1; id <= 2_000; id++) {
      const write = drawStoreWrite(random, id);
      expect(replica.apply(write)).toBe(store.apply(encodeStoreInput(write)));
      const read = drawStoreRead(random);
      expect(replica.apply(read)).toBe(store.answer(read));
    }
  });

  it("is searched within few steps, with unknown writes as well", () => {
    const workload: Workload<readonly number[], StoreInput, number> = {
      model,
      partitions: 1,
      write: (random, serial) => drawStoreWrite(random, serial),
      read: (random) => drawStoreRead(random),
    };
    const size = { clients: 8, operations: 1_000, failed: 0.02, fault: null };
    const steps: number[] = [];
    for (const unknown of [0, 0.02, 0.05]) {
      const options = { ...size, unknown };
      const { history, committed } = generateHistory(createRandom(1, 1), workload, options);
      expect(judgeByRevision(history, committed, model).kind).toBe("ok");
      const verdict = checkLinearizable(history, model);
      expect(verdict.kind).toBe("linearizable");
      steps.push(verdict.steps);
    }
    expect(steps).toEqual([1_121, 1_139, 1_585]);
  });
});
