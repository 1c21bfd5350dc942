/** Sessions alone: many seeds of what clients and snapshots do to them. */
export { runSessions, type SessionsRun } from "./run.ts";
