/** A small cluster in memory, driven step by step. */
export * from "./lab.ts";
export * from "./lab-disk.ts";
export * from "./lab-membership.ts";
export * from "./lab-messages.ts";
export * from "./lab-snapshots.ts";
