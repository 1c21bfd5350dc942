/**
 * Between core, store and network: the member's own bookkeeping, and the transport.
 *
 * Not planted, because nothing shows it, or hardly ever:
 * - the old connection of a peer is heard on when a new one has come. What it still brings is late,
 *   which Raft survives; forwards of a run before are answered under numbers of that run, which the
 *   new run does not have; and it is closed when it has been silent.
 * - each run numbers its forwards from 1, so that it takes a late answer to the run before for one
 *   to itself: two runs must have the same number open in the same round trip. `forwards.test.ts`
 *   shows it.
 */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "members", patches };
}

const durabilityMutants: readonly Mutant[] = [
  mutant(
    "sends-not-held",
    "A message leaves at once, whatever unit it waits for.",
    patch("node/outlet.ts", "if (mayRelease(effect, this.#durable)) this.#leave", "this.#leave"),
    patch("node/outlet.ts", "    else this.#held.push(effect);\n", ""),
  ),
  mutant(
    "sends-released-on-hand-out",
    "Messages leave when their unit is handed to the store, not when it is durable.",
    patch(
      "node/member.ts",
      "    this.#parts.store.append(effect, (error) => {",
      lines(
        "    this.#outlet.release(effect.unit);",
        "    this.#parts.store.append(effect, (error) => {",
      ),
    ),
    patch("node/outlet.ts", "assert(unit > this.#durable,", "assert(unit > 0,"),
  ),
  mutant(
    "persisted-before-durable",
    "The core hears that a unit is durable when the store has only taken it.",
    patch(
      "node/member.ts",
      "    this.#parts.store.append(effect, (error) => {",
      lines(
        "    this.#parts.clock.defer(() => this.#onPersisted(effect));",
        "    this.#parts.store.append(effect, (error) => {",
      ),
    ),
    patch("node/member.ts", "\n      else this.#onPersisted(effect);", ""),
  ),
  mutant(
    "store-errors-ignored",
    "What the store could not write counts as durable.",
    patch(
      "node/member.ts",
      lines(
        "if (error !== null) this.#fail(storageFailed(error));",
        "      else this.#onPersisted(effect);",
      ),
      "this.#onPersisted(effect);",
    ),
  ),
  mutant(
    "boot-not-fresh",
    "Each run of a member has the same number.",
    patch(
      "node/open-member.ts",
      "boot: Number.parseInt(boot.slice(0, 12), 16), // 48 bits: a safe integer",
      "boot: 1,",
    ),
  ),
];

const requestMutants: readonly Mutant[] = [
  mutant(
    "read-before-applied",
    "A read is answered before the machines have applied its index.",
    patch("node/reads.ts", "else if (this.#isReadable(answer.index))", "else if (true)"),
  ),
  mutant(
    "failed-read-answered",
    "A read that the core could not answer is answered from what is there.",
    patch(
      "node/reads.ts",
      'if ("failed" in answer) this.#toAsk.add(request);',
      'if ("failed" in answer) request.settle(null);',
    ),
  ),
  mutant(
    "forward-sent-again",
    "Commands whose connection broke are sent a second time.",
    patch(
      "node/proposals.ts",
      "for (const request of requests) this.#lose(request, leaderLost(term));",
      "for (const request of requests) this.#wait(request);",
    ),
  ),
  mutant(
    "forward-lost-not-applied",
    "Commands whose connection broke are said not to have been applied.",
    patch(
      "node/proposals.ts",
      "for (const request of requests) this.#lose(request, leaderLost(term));",
      "for (const request of requests) this.#lose(request, overwritten(term));",
    ),
  ),
  mutant(
    "timeout-not-applied",
    "A command that is in a log is said not to have been applied when its time is over.",
    patch(
      "node/proposals.ts",
      'if (request.mayBeApplied) this.abort(request, timedOut(action, waitedMs, "unknown"));',
      'if (request.mayBeApplied) this.abort(request, timedOut(action, waitedMs, "not-applied"));',
    ),
  ),
  mutant(
    "stop-not-applied",
    "A command that is in a log is said not to have been applied when the member stops.",
    patch("node/requests.ts", 'this.mayBeApplied ? "unknown" : "not-applied"', '"not-applied"'),
  ),
  mutant(
    "result-of-other-term",
    "Whatever is applied at a command's index is taken for it.",
    patch(
      "node/proposals.ts",
      "if (request.term === term) request.settle(null, result);",
      "if (term > 0) request.settle(null, result);",
    ),
    patch("node/proposals.ts", "if (term > this.#appliedTerm) this.#onAppliedTerm(term);", ""),
  ),
  mutant(
    "lost-leader-appends",
    "Who leads no more answers a forwarded command as if it were in its log.",
    patch(
      "node/proposals.ts",
      lines(
        "const { why } = result;",
        '    return { kind: "refused", why: why === "transferring" ? "not-leader" : why };',
      ),
      lines(
        "const first = logIndex(raft.log.entries.length + 1);",
        '    return { kind: "appended", first, term: raft.hardState.term };',
      ),
    ),
  ),
  mutant(
    "waiting-handed-over-twice",
    "Commands that waited for a leader are not taken off the list when they are handed to it.",
    patch("node/proposals.ts", "    this.#waiting.clear();\n", ""),
  ),
  mutant(
    "deadlines-never-settle",
    "A request whose time is over is let go of without an answer.",
    patch("node/deadlines.ts", "        item.expire();\n", ""),
  ),
  mutant(
    "pending-count-leaks",
    "Commands that have settled count as under way for ever.",
    patch("node/proposals.ts", "    this.#pendingCount--;\n", ""),
  ),
];

const transportMutants: readonly Mutant[] = [
  mutant(
    "frame-checksum-ignored",
    "The checksum of a frame's payload is not compared.",
    patch(
      "transport/codec/frame-parser.ts",
      "if (this.#crc32(payload) !== header.payloadCrc) {",
      "if (header.payloadCrc < 0) {",
    ),
  ),
  mutant(
    "dead-link-kept",
    "A connection whose other end is silent is never given up.",
    patch(
      "transport/outbound-peer.ts",
      "if (link.quietIntervals > silentIntervalsMax) {",
      "if (link.quietIntervals > silentIntervalsMax * 1_000_000) {",
    ),
  ),
  mutant(
    "no-redial",
    "A connection that broke is not made anew.",
    patch(
      "transport/outbound-peer.ts",
      "this.#timer = clock.after(delayMs, () => this.dial());",
      "if (delayMs < 0) this.dial();",
    ),
    patch("transport/peer-transport.ts", "this.#outbound.get(peer)?.dial(),", "void peer,"),
  ),
  mutant(
    "queued-frames-overwritten",
    "The memory of frames is written again while they still wait for the network.",
    patch(
      "transport/outbound-peer.ts",
      "if (link.connection.queuedBytes === 0) link.writer.recycle();",
      "link.writer.recycle();",
    ),
  ),
  mutant(
    "send-queue-unbounded",
    "A peer that takes nothing gets a queue without a limit.",
    patch("transport/outbound-peer.ts", "queuedBytes + frameBytes > queuedMax", "queuedMax < 0"),
  ),
  mutant(
    "any-incarnation-welcome",
    "A peer that lost its directory is taken for who it was.",
    patch(
      "transport/handshake.ts",
      "if (before === null || before === peer.incarnation) return null;",
      'if (before === null || before !== "") return null;',
    ),
  ),
];

export const nodeMutants: readonly Mutant[] = [
  ...durabilityMutants,
  ...requestMutants,
  ...transportMutants,
];
