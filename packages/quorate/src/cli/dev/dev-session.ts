/** `quorate dev` after the start: tells what happens, obeys keys and signals, and ends. */
import { formatJsonLine } from "../log/log-line.ts";
import { wrapLines } from "../output/wrap.ts";
import type { Terminal } from "../terminal.ts";
import { formatKeys } from "./banner.ts";
import { type DevCluster, type DevEvents, type DevMember, describeEnd } from "./dev-cluster.ts";
import type { MemberEnd } from "./member-process.ts";

/** Lines of all logs that are shown when logs are turned on. */
const recentLinesMax = 10;

export class DevSession implements DevEvents {
  readonly #terminal: Terminal;
  readonly #hasKeys: boolean;
  readonly #recent: string[] = [];
  #showsLogs = false;
  /** Null until the banner has been printed; before that nothing is told. */
  #cluster: DevCluster | null = null;
  #end: (reason: "quit" | "all-dead") => void = () => undefined;
  /** Settles when the person has enough, or no member is left. */
  readonly ended: Promise<"quit" | "all-dead"> = new Promise((resolve) => {
    this.#end = resolve;
  });

  constructor(terminal: Terminal, hasKeys: boolean) {
    this.#terminal = terminal;
    this.#hasKeys = hasKeys;
  }

  /** From now on events are told. */
  begin(cluster: DevCluster): void {
    this.#cluster = cluster;
  }

  quit(): void {
    if (this.#hasKeys) this.#tell("stopping");
    this.#end("quit");
  }

  onLine({ layout }: DevMember, line: string): void {
    const { sayColours } = this.#terminal;
    const shown = `${sayColours.dim(`${layout.name} |`)} ${formatJsonLine(line, sayColours)}\n`;
    if (this.#showsLogs) this.#terminal.say(shown);
    this.#recent.push(shown);
    if (this.#recent.length > recentLinesMax) this.#recent.shift();
  }

  onLeader({ layout }: DevMember, afterMs: number | null): void {
    const took = afterMs === null ? "" : `, ${Math.round(afterMs)} ms after the last leader died`;
    this.#tell(`${layout.name} leads now${took}`);
  }

  onListening({ layout, process }: DevMember): void {
    this.#tell(`${layout.name} is up, pid ${process.pid}`);
  }

  onEnd(member: DevMember, end: MemberEnd): void {
    const cluster = this.#cluster;
    if (cluster === null) return;
    const { layout, process, isEndExpected } = member;
    if (!isEndExpected) {
      this.#tell(`${layout.name} (pid ${process.pid}) ${describeEnd(end)}; its last lines:`);
      const { sayColours } = this.#terminal;
      for (const line of process.lastLines) {
        this.#terminal.say(`    ${formatJsonLine(line, sayColours)}\n`);
      }
    }
    if (cluster.dead.length === cluster.members.length && !this.#canRestart(cluster)) {
      this.#end("all-dead");
    }
  }

  onKey(key: string): void {
    const cluster = this.#cluster;
    if (cluster === null) return;
    switch (key) {
      case "k":
        this.#killLeader(cluster);
        break;
      case "r":
        this.#restart(cluster);
        break;
      case "l":
        this.#toggleLogs();
        break;
      case "h":
      case "?":
        this.#tell(formatKeys(!cluster.isMemory, this.#terminal.sayColours));
        break;
      case "q":
      case "\u0003": // Ctrl-C
      case "\u0004": // Ctrl-D
        this.quit();
        break;
    }
  }

  #killLeader(cluster: DevCluster): void {
    const killed = cluster.killLeader();
    if (killed === null) {
      this.#tell("nobody leads at the moment: an election is under way, or too many are down");
      return;
    }
    const { layout, process } = killed;
    const left = cluster.members.length - cluster.dead.length - 1;
    const hasQuorum = left > cluster.members.length / 2;
    this.#tell(`killed ${layout.name}, the leader (pid ${process.pid}, SIGKILL)`);
    if (!hasQuorum) {
      const needed = Math.floor(cluster.members.length / 2) + 1;
      const remedy = cluster.isMemory ? "only a new start helps" : "r brings the others back";
      this.#tell(`${left} of ${cluster.members.length} left, ${needed} needed: ${remedy}`);
    }
  }

  #restart(cluster: DevCluster): void {
    if (cluster.isMemory) {
      this.#tell("not with --memory: a member that forgot its votes would break promises");
      return;
    }
    const restarted = cluster.restartDead();
    const names = restarted.map(({ layout }) => layout.name).join(", ");
    this.#tell(restarted.length === 0 ? "all members are running" : `restarting ${names}`);
  }

  #toggleLogs(): void {
    this.#showsLogs = !this.#showsLogs;
    this.#tell(this.#showsLogs ? "logs on, the last lines first:" : "logs off");
    if (this.#showsLogs) for (const line of this.#recent) this.#terminal.say(line);
  }

  /** A person with keys can bring dead members back. */
  #canRestart(cluster: DevCluster): boolean {
    return this.#hasKeys && !cluster.isMemory;
  }

  #tell(text: string): void {
    if (this.#cluster === null) return;
    const { width } = this.#terminal;
    this.#terminal.say(`${wrapLines(`  ${text}`, width, "  ")}\n`);
  }
}
