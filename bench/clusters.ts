/**
 * Three member processes of ours, or of etcd, on free ports of loopback with their data in a
 * folder.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePorts } from "../packages/raft/test/support/free-ports.ts";
import { findLeader } from "./etcd-calls.ts";

export interface ClusterMember {
  readonly name: string;
  /** `host:port` */
  readonly client: string;
  process: ChildProcess;
  /** Starts it again, after it was killed, with the data it has. */
  restart(): void;
}

export interface Cluster {
  readonly members: readonly ClusterMember[];
  readonly endpoints: readonly string[];
  leader(): Promise<ClusterMember>;
  stop(): Promise<void>;
}

const quorateMain = fileURLToPath(new URL("../packages/quorate/dist/cli/main.js", import.meta.url));

export function startQuorate(folder: string): Promise<Cluster> {
  if (!existsSync(quorateMain)) throw new Error("nothing is built: run `npm run build` first");
  return startCluster(folder, process.execPath, [quorateMain, "server"]);
}

export function startEtcd(folder: string): Promise<Cluster> {
  return startCluster(folder, "etcd", []);
}

async function startCluster(
  folder: string,
  command: string,
  head: readonly string[],
): Promise<Cluster> {
  const ports = await freePorts(6);
  const names = ["a", "b", "c"];
  const peerUrl = (at: number): string => `http://127.0.0.1:${ports[at + 3]}`;
  const initialCluster = names.map((name, at) => `${name}=${peerUrl(at)}`).join(",");
  const members = names.map((name, at): ClusterMember => {
    const client = `127.0.0.1:${ports[at]}`;
    const flags = {
      name,
      "data-dir": `${folder}/${name}`,
      "listen-client-urls": `http://${client}`,
      "advertise-client-urls": `http://${client}`,
      "listen-peer-urls": peerUrl(at),
      "initial-advertise-peer-urls": peerUrl(at),
      "initial-cluster": initialCluster,
    };
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    const log = openSync(`${folder}/${name}.log`, "a");
    const run = (): ChildProcess =>
      spawn(command, [...head, ...args], { stdio: ["ignore", log, log] });
    const member: ClusterMember = {
      name,
      client,
      process: run(),
      restart: () => {
        member.process = run();
      },
    };
    return member;
  });
  const endpoints = members.map((member) => member.client);
  return {
    members,
    endpoints,
    leader: async () => {
      const endpoint = await findLeader(endpoints);
      const member = members.find((one) => one.client === endpoint);
      if (member === undefined) throw new Error(`no member has the endpoint ${endpoint}`);
      return member;
    },
    stop: async () => {
      await Promise.all(members.map((member) => killed(member.process)));
    },
  };
}

/** Kills without a goodbye, and waits for the end. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  await ended;
}
