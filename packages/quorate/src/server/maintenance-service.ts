/** `Status` of etcd's Maintenance service; the others have files of their own. */
import { encodeStatusResponse } from "../proto/index.ts";
import type { MethodTable } from "../rpc/index.ts";
import { type Backend, createHeader } from "./backend.ts";
import { memberIdOf } from "./ids.ts";
import { statusOfError } from "./server-errors.ts";
import { etcdVersion } from "./versions.ts";

export function registerMaintenance(methods: MethodTable, backend: Backend): void {
  methods.register("/etcdserverpb.Maintenance/Status", {
    kind: "unary",
    handle: (_request, call) => {
      const stats = backend.machines.kv.read((kv) => kv.stats(), { consistency: "stale" });
      stats.then(
        ({ revision, sizeBytes, sizeInUseBytes }) => {
          const { id, leader, term, last, applied, clusterId, members } = backend.node.status();
          const isLearner = members.some((one) => one.id === id && one.role === "learner");
          const message = encodeStatusResponse({
            header: createHeader(backend, revision),
            version: etcdVersion,
            dbSize: sizeBytes,
            leader: leader === null ? 0n : memberIdOf(clusterId, leader),
            raftIndex: last,
            raftTerm: term,
            raftAppliedIndex: applied,
            errors: leader === null ? ["etcdserver: no leader"] : [],
            dbSizeInUse: sizeInUseBytes,
            isLearner,
          });
          call.respond(message);
        },
        (error: unknown) => call.fail(statusOfError(error)),
      );
    },
  });
}
