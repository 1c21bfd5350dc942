/** What the clients of generated histories ask. */
import {
  type AppendListInput,
  type AppendListResult,
  type AppendListState,
  appendListModel,
} from "../models/append-list-model.ts";
import { type CounterInput, counterModel } from "../models/counter-model.ts";
import {
  type KeyValue,
  type KeyValueInput,
  type KeyValueResult,
  keyValueModel,
} from "../models/key-value-model.ts";
import {
  createRegisterModel,
  type RegisterInput,
  type RegisterResult,
  type RegisterValue,
} from "../models/register-model.ts";
import type { Workload } from "./generate-history.ts";

export const registerWorkload: Workload<RegisterValue, RegisterInput, RegisterResult> = {
  model: createRegisterModel(null),
  partitions: 1,
  write: (random, serial) => {
    if (random.chance(0.8)) return { kind: "write", value: serial };
    const expected = Math.max(0, serial - 1 - random.below(4));
    return { kind: "compare-and-set", expected, value: serial };
  },
  read: () => ({ kind: "read" }),
};

export const keyValueWorkload: Workload<KeyValue, KeyValueInput, KeyValueResult> = {
  model: keyValueModel,
  partitions: 3,
  write: (random, serial, partition) => {
    const key = `k${partition}`;
    if (random.chance(0.1)) return { kind: "delete", key };
    return { kind: "put", key, value: `${serial}` };
  },
  read: (_random, partition) => ({ kind: "get", key: `k${partition}` }),
};

export const counterWorkload: Workload<number, CounterInput, number> = {
  model: counterModel,
  partitions: 1,
  write: (_random, serial) => ({ kind: "add", amount: serial }),
  read: () => ({ kind: "read" }),
};

export const appendListWorkload: Workload<
  AppendListState | null,
  AppendListInput,
  AppendListResult
> = {
  model: appendListModel,
  partitions: 2,
  write: (_random, serial, partition) => {
    return { kind: "append", key: `l${partition}`, value: `${serial}` };
  },
  read: (_random, partition) => ({ kind: "read", key: `l${partition}` }),
};
