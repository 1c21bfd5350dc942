/** What happens next with snapshots. */
import { lastIndex } from "../../core/index.ts";
import { pick } from "../random.ts";
import type { Action } from "./actions.ts";
import { type Choice, type Draws, drawAwake, drawTakes } from "./draw.ts";
import type { SnapshotOptions } from "./options.ts";
import type { SnapshotReport } from "./snapshot-actions.ts";
import type { World } from "./world.ts";

const reports: readonly [SnapshotReport, ...SnapshotReport[]] = [
  "snapshot-sent",
  "snapshot-failed",
  "snapshot-moving",
];

export function createSnapshotChoices(options: SnapshotOptions): readonly Choice[] {
  const { take, compact, disk, transfer, offer, report } = options;
  return [
    { weight: take, draw: drawSnapshot },
    { weight: compact, draw: drawCompact },
    { weight: disk, draw: drawSave },
    { weight: disk, draw: drawSaved },
    { weight: disk, draw: drawDrop },
    { weight: disk, draw: drawRestore },
    { weight: transfer, draw: (world, draws) => drawTransfer(world, draws, options) },
    { weight: offer, draw: drawOffer },
    { weight: report, draw: drawReport },
  ];
}

function drawSnapshot(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  return host === null ? null : { kind: "snapshot", at: host.at };
}

/** Behind the snapshot or close to it: also so that a peer needs one. */
function drawCompact(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host?.raft === undefined || host.raft === null || host.raft.snapshot === null) return null;
  const all = lastIndex(host.raft.log);
  const index = draws.actions.chance(0.6) ? all : draws.actions.between(1, all);
  return { kind: "compact", at: host.at, index };
}

function drawSave(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null || host.saving.length === 0) return null;
  const reports = draws.actions.chance(world.options.promptReports);
  return { kind: "save", at: host.at, reports, takes: reports && drawTakes(world, draws) };
}

function drawSaved(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null || host.saved === null) return null;
  return { kind: "saved", at: host.at, takes: drawTakes(world, draws) };
}

function drawDrop(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  return host === null ? null : { kind: "drop", at: host.at };
}

function drawRestore(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null || host.restoring.length === 0) return null;
  return { kind: "restore", at: host.at, takes: drawTakes(world, draws) };
}

/**
 * Links that are cut delay it, and so does a peer that is down; or end it. A cut does not if
 * another member brings the same snapshot.
 */
function drawTransfer(world: World, draws: Draws, options: SnapshotOptions): Action | null {
  const { transfers, network } = world;
  const { faults } = draws;
  const slot = faults.below(transfers.length);
  const transfer = transfers[slot];
  if (transfer === undefined) return null;
  const link = transfer.from * network.memberCount + transfer.to;
  const isCut = network.isCut[link] === true && !faults.chance(0.5);
  const isLost = isCut || network.isDown[transfer.to] === true;
  if (isLost && faults.chance(0.8)) return null;
  const fate =
    isLost || faults.chance(options.loss)
      ? "lost"
      : faults.chance(options.duplication)
        ? "doubles"
        : "arrives";
  const tells = faults.chance(options.telling);
  return { kind: "transfer", slot, fate, tells, takes: drawTakes(world, draws) };
}

function drawOffer(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host?.raft?.role !== "leader") return null;
  return { kind: "offer", at: host.at, peer: draws.actions.below(world.hosts.length) };
}

function drawReport(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  const peer = draws.faults.below(world.hosts.length);
  if (host === null || peer === host.at) return null;
  const report = pick(draws.faults, reports);
  const at = { at: host.at, peer };
  return { kind: "transfer-report", ...at, report, takes: drawTakes(world, draws) };
}
