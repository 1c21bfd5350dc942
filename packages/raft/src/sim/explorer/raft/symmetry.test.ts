/** Every step of every member state of a small model, in all six ways to stand. */
import { describe, expect, it } from "vitest";
import { explore } from "../index.ts";
import { RaftModel, raftModels } from "./index.ts";
import { findAsymmetry } from "./symmetry.ts";

function modelOf(name: string): RaftModel {
  const model = raftModels[name]?.();
  if (!(model instanceof RaftModel)) throw new Error(`There is no model ${name}`);
  return model;
}

describe("symmetry", () => {
  it.each(["crash-ci", "reads-ci", "leases-ci", "leases-transfer", "failover-ci"])(
    "the core makes no difference between members: %s",
    (name) => {
      const model = modelOf(name);
      explore(model, { statesMax: 20_000 });
      const pairs: [number, number][] = [];
      model.steps.steps.visit((id, input) => pairs.push([id, input]));
      expect(pairs.length).toBeGreaterThan(500);
      for (const [id, input] of pairs) {
        expect(findAsymmetry(model.steps, id, input)).toBeNull();
      }
    },
  );
});
