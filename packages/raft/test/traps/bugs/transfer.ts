/** Transfer (E), and PreVote in it (B8). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

export const transferBugs: readonly TrapBug[] = [
  bug(
    "B8",
    "The voters stay with the leader that hands over.",
    patch("core/election.ts", "return request.transfer === true &&", "return false &&"),
  ),
  bug(
    "B8",
    "Who is told to stand asks for pre-votes first.",
    patch("core/transfer.ts", "  campaign(raft, true);", "  onElectionTimeout(raft);"),
    patch(
      "core/transfer.ts",
      "import { campaign, mayStand }",
      "import { mayStand, onElectionTimeout }",
    ),
  ),
  bug(
    "E1",
    "An order counts in any term, whoever gives it.",
    patch(
      "core/transfer.ts",
      "if (order.term < raft.hardState.term || order.from !== raft.leader) return;",
      "",
    ),
    patch("core/transfer.ts", "order.round < raft.heardRound", "order.round < 0"),
    patch(
      "core/transfer.ts",
      "  campaign(raft, true);",
      lines('  if (raft.role === "leader") return;', "  campaign(raft, true);"),
    ),
  ),
  bug(
    "E1",
    "An order of a newer term is obeyed.",
    patch(
      "core/transfer.ts",
      "adoptTerm(raft, order.term, null);",
      "adoptTerm(raft, order.term, order.from);",
    ),
  ),
  bug(
    "E1",
    "Stickiness is waived in every later term.",
    patch(
      "core/election.ts",
      "return request.transfer === true && request.term === raft.hardState.term + 1;",
      "return request.transfer === true;",
    ),
  ),
  bug(
    "E2",
    "The target is told when it has the log in memory.",
    patch(
      "core/transfer.ts",
      "progress.matched < lastIndex(raft.log)",
      "progress.next <= lastIndex(raft.log)",
    ),
  ),
  bug(
    "E2",
    "Whoever is told to stands.",
    patch("core/transfer.ts", "if (!mayStand(raft) || ", "if ("),
    patch("core/transfer.ts", "import { campaign, mayStand }", "import { campaign }"),
  ),
  bug(
    "E3",
    "There is no deadline.",
    patch("core/timers.ts", "  maybeGiveUpTransfer(raft, leadership);\n", ""),
  ),
  bug(
    "E3",
    "The order is given once.",
    patch("core/transfer.ts", "transfer.toldRound === round", "transfer.toldRound > 0"),
  ),
  bug(
    "E3",
    "An old order is obeyed after the leader went on.",
    patch("core/transfer.ts", "order.round < raft.heardRound", "order.round < 0"),
  ),
  bug(
    "E4",
    "A change that is under way does not matter.",
    patch(
      "core/transfer.ts",
      lines(
        "  if (isChangePending(raft)) {",
        '    return { kind: "refused", why: "change-in-flight", index: raft.configurationIndex };',
        "  }",
        "  const target",
      ),
      "  const target",
    ),
  ),
  bug(
    "E4",
    "A change begins while the leader hands over.",
    patch(
      "core/membership.ts",
      'if (leadership.transfer !== null) return { kind: "refused", why: "transferring" };',
      "",
    ),
  ),
];
