/** Recordings of real members come out the same when they are run again, and differences show. */
import { describe, expect, it } from "vitest";
import { NodeWorld, type Running, worldDir } from "../../../test/node/node-world.ts";
import { FormatError } from "../../base/index.ts";
import { isRecordingFileName, recordingFileName } from "./flight-recorder.ts";
import { copyPlain, decodePlain, encodePlain } from "./plain-value.ts";
import { replayRecording } from "./replay.ts";

function textOf(one: Running): string {
  const text = one.member.recording();
  if (text === null) throw new Error("there is no recording");
  return text;
}

function busyWorld(limits = {}): NodeWorld {
  const world = new NodeWorld({ disk: true, limits }).startAll();
  for (let round = 0; round < 3; round++) {
    const leader = world.leader();
    for (const id of world.ids) world.propose(id, `${id} ${round}`);
    world.settle(world.read(world.follower().id));
    world.clock.advance(50);
    world.isolate(leader.id);
    for (let i = 0; i < 5; i++) world.propose(leader.id, `lost ${i}`);
    world.leader(leader.id);
    world.settle(world.propose(world.leader(leader.id).id, "kept"));
    world.heal();
    world.clock.advance(1000);
  }
  return world;
}

describe("a recording", () => {
  it("of each member of a troubled cluster runs again to the same states", () => {
    const world = busyWorld();
    for (const one of world.running.values()) {
      const { recording, steps, verdict } = replayRecording(textOf(one));
      expect(recording).toMatchObject({ member: one.id, error: null });
      expect(recording.segments).toHaveLength(1);
      expect(verdict).toEqual({ kind: "same", steps: steps.length, isErrorReproduced: false });
      expect(steps.length).toBeGreaterThan(500);
      const last = steps.at(-1);
      expect(last).toMatchObject({
        role: one.member.raft.role,
        term: one.member.raft.hardState.term,
        commit: one.member.raft.commit,
      });
      expect(steps.some(({ what }) => what.startsWith("propose "))).toBe(true);
    }
  });

  it("keeps within its bytes and begins with a later state then", () => {
    const world = busyWorld({ recorderBytesMax: 40_000 });
    const one = world.leader();
    const { recording, steps, verdict } = replayRecording(textOf(one));
    expect(recording.segments).toHaveLength(2);
    expect(steps.length).toBeLessThan(300);
    expect(steps.length).toBeGreaterThan(100);
    expect(recording.segments[0]?.checkpoint.log.entries.length).toBeGreaterThan(5);
    expect(verdict.kind).toBe("same");
  });

  it("does not tell what commands say, only how long they are", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    world.settle(world.propose(leader.id, "the secret of the house"));
    world.settle(world.propose(world.follower().id, "another secret"));
    for (const one of world.running.values()) {
      const text = textOf(one);
      const hex = [..."secret"].map((letter) => letter.charCodeAt(0).toString(16)).join("");
      expect(text.includes("secret") || text.includes(hex)).toBe(false);
      expect(replayRecording(text).verdict.kind).toBe("same");
    }
  });

  it("that was changed shows where it differs", () => {
    const text = textOf(busyWorld().leader());
    const lines = text.split("\n");
    const at = lines.findIndex((line, number) => number > 100 && /"take":\[[1-9]/.test(line));
    lines[at] = lines[at]?.replace(/"take":\[\d+/, '"take":[99') ?? "";
    expect(replayRecording(lines.join("\n")).verdict).toMatchObject({
      ...{ kind: "differs", number: at - 1 },
      why: expect.stringMatching(/^effects, role, term, commit, last are .*; recorded: 99 /),
    });
    const lost = text.split("\n").filter((line) => !line.includes('"request-vote-response"'));
    expect(replayRecording(lost.join("\n")).verdict.kind).toBe("differs");
    const end = text.replace(/("end":.*)"commit":\d+/, '$1"commit":1');
    expect(replayRecording(end).verdict).toMatchObject({
      why: "the state at the end is another one",
    });
    const other = text.replaceAll('"electionElapsed"', '"elapsed"');
    expect(replayRecording(other).verdict).toEqual({
      kind: "other-version",
      why: "fields that only the recording has: elapsed; that only this core has: electionElapsed",
    });
  });

  it.each([
    ["", "line 1: this is no recording"],
    ["{}", "line 1: this is no recording"],
    ["x", "line 1: this is no JSON"],
    ['{"format":"quorate-recording","version":2}', "line 1: version 2 of the format; this program"],
    ['{"format":"quorate-recording","version":1}', "line 1: member or wallMs is missing"],
  ])("%j is refused", (text, message) => {
    expect(() => replayRecording(text)).toThrow(FormatError);
    expect(() => replayRecording(text)).toThrow(message);
  });

  it("that was cut off or is garbled is refused with the line", () => {
    const lines = textOf(busyWorld().leader()).trimEnd().split("\n");
    expect(() => replayRecording(lines.slice(0, -1).join("\n"))).toThrow("was cut off");
    expect(() => replayRecording([...lines, '{"take":1}'].join("\n"))).toThrow("nothing follows");
    lines[7] = "{}";
    expect(() => replayRecording(lines.join("\n"))).toThrow("line 8: this is no step");
  });
});

describe("a broken invariant", () => {
  it("leaves a recording in the directory that breaks again when it is run", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const victim = world.follower();
    world.settle(world.propose(leader.id, "x"));
    world.clock.advance(100);
    const { raft } = victim.member;
    const { base } = raft.log;
    victim.member.handlers.onMessage({
      ...{ kind: "append-entries", from: leader.member.raft.id, to: raft.id, entries: [] },
      ...{ term: raft.hardState.term, commit: raft.commit, round: 1, sequence: 1 },
      prev: { index: raft.commit, term: base.term }, // no leader says that
    });
    world.clock.advance(200);
    expect(victim.member.stopError?.message).toMatch(/^a leader's log has every committed entry/);
    const told = victim.log.find((line) => line.includes("What led to it"));
    const path = told?.match(/\/data\/\S+\.jsonl/)?.[0] ?? "";
    expect(isRecordingFileName(path.slice(worldDir.length + 1))).toBe(true);
    const bytes = readFile(world, victim.id, path);
    const { recording, verdict } = replayRecording(new TextDecoder().decode(bytes));
    expect(recording.error).toBe(victim.member.stopError?.message);
    expect(verdict).toMatchObject({ kind: "same", isErrorReproduced: true });
  });

  it("of the machines leaves one, too, and says that the core did not break", () => {
    const world = new NodeWorld({ members: ["a"], disk: true });
    const one = world.start("a");
    world.leader();
    one.journal.onApply = () => {
      throw new Error("the machine's own");
    };
    world.propose("a", "x");
    world.clock.advance(200);
    const name = namesIn(world, "a").find(isRecordingFileName) ?? "";
    const text = new TextDecoder().decode(readFile(world, "a", `${worldDir}/${name}`));
    const { recording, verdict } = replayRecording(text);
    expect(recording.error).toBe("the machine's own");
    expect(verdict).toMatchObject({ kind: "same", isErrorReproduced: false });
  });

  it("on a member that is asked to writes a file and keeps the newest eight", () => {
    const world = new NodeWorld({ members: ["a"], disk: true });
    const one = world.start("a");
    world.leader();
    const paths: (string | undefined)[] = [];
    for (let i = 0; i < 10; i++) {
      one.member.saveRecording((_error, path) => paths.push(path));
      world.clock.advance(1500);
    }
    const names = namesIn(world, "a").filter(isRecordingFileName);
    expect(names).toHaveLength(8);
    expect(paths.slice(-8)).toEqual(names.map((name) => `${worldDir}/${name}`));
    world.stop("a");
    expect(world.start("a").member.isRunning).toBe(true);
  });

  it("in memory there is the text only, and without a recorder nothing", () => {
    const errors: unknown[] = [];
    const world = new NodeWorld({ members: ["a"] });
    const { member } = world.start("a");
    expect(member.recording()).toContain("quorate-recording");
    member.saveRecording((error) => errors.push(error?.message));
    world.clock.advance(1);
    world.stop("a");
    const bare = world.start("a", { recorder: false }).member;
    bare.saveRecording((error) => errors.push(error?.message));
    world.clock.advance(1);
    expect(errors).toEqual([
      "Cannot save a recording: this member has no directory",
      "Cannot save a recording: the recorder is off",
    ]);
    expect(bare.recording()).toBeNull();
  });
});

function namesIn(world: NodeWorld, id: string): readonly string[] {
  let found: readonly string[] = [];
  world.disk(id).list(worldDir, (_error, names) => {
    found = names ?? [];
  });
  world.clock.advance(5);
  return found;
}

function readFile(world: NodeWorld, id: string, path: string): Uint8Array {
  let found = new Uint8Array(0);
  world.disk(id).open(path, "existing", (_error, file) => {
    file?.size((_failed, size) => {
      file.read(0, size ?? 0, (_bad, bytes) => {
        found = new Uint8Array(bytes ?? []);
      });
    });
  });
  world.clock.advance(50);
  return found;
}

describe("plain values", () => {
  it("come back as they were", () => {
    const value = {
      ...{ map: new Map([["a", { set: new Set([1, 2]) }]]), list: [null, -0.5, "x"] },
      ...{ bytes: new Uint8Array([0, 255]), far: Number.POSITIVE_INFINITY, yes: true },
    };
    const text = JSON.stringify(encodePlain(value));
    expect(decodePlain(JSON.parse(text))).toEqual(value);
    const copy = copyPlain(value);
    expect(copy).toEqual(value);
    copy.map.get("a")?.set.add(3);
    expect(value.map.get("a")?.set.size).toBe(2);
    for (const bad of [{ $map: 1 }, { $bytes: "0g" }, { $zeros: "x" }, { $what: 1 }]) {
      expect(() => decodePlain(bad)).toThrow(FormatError);
    }
  });

  it.each([
    [0, "recording-19700101T000000Z.jsonl"],
    [951_782_399_999, "recording-20000228T235959Z.jsonl"],
    [951_868_800_000, "recording-20000301T000000Z.jsonl"],
    [1_795_392_105_000, "recording-20261123T000145Z.jsonl"],
  ])("a recording of %i ms is named %s", (wallMs, name) => {
    expect(recordingFileName(wallMs)).toBe(name);
    const date = new Date(wallMs).toISOString().replace(/[-:]|\.\d+/g, "");
    expect(name).toBe(`recording-${date}.jsonl`);
  });
});
