/** Liveness under every partial connectivity. */

export { type CalmReport, runCalm } from "./calm.ts";
export {
  ask,
  type Bootstrap,
  bootstrapOf,
  type Cluster,
  type ClusterOptions,
  connect,
  createCluster,
  elapse,
  elapseUntil,
  type Host,
  isConverged,
  isolate,
  type Latency,
  leaders,
  offer,
  promptLatency,
  restartAll,
  termMax,
} from "./cluster.ts";
export {
  completeDigraph,
  type Digraph,
  describeLinks,
  digraphClasses,
  digraphName,
  linkedDigraph,
  reaches,
} from "./digraph.ts";
export type { Distribution } from "./distribution.ts";
export { knownExceptions } from "./exceptions.ts";
export { parseSituation, situationName, situationsOf, type Variety } from "./situations.ts";
export { type Expectation, foresee, hubs, isHub, type Situation, type Skew } from "./theory.ts";
export {
  boundTimeouts,
  judge,
  runTopologies,
  type TopologyFailure,
  type TopologyOptions,
  type TopologyReport,
  topologySettings,
  trialOptionsOf,
  usualTimeouts,
} from "./topologies.ts";
export { runTrial, type Settlement, type Trial, type TrialOptions } from "./trial.ts";
