import { Etcd3 } from "etcd3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findBasePort, type RunningDev, startDev } from "../support/cli.ts";

/** The npm client etcd3 against three of our members. */

describe("the npm client etcd3", () => {
  let dev: RunningDev;
  let client: Etcd3;

  beforeAll(async () => {
    dev = await startDev(["--memory", "--base-port", String(await findBasePort())]);
    client = new Etcd3({ hosts: dev.members.map(({ clientUrl }) => clientUrl) });
  });

  afterAll(async () => {
    client.close();
    expect(await dev.stop()).toBe(0);
  });

  it("puts, gets and deletes", async () => {
    await client.put("a").value("1");
    expect(await client.get("a").string()).toBe("1");
    expect(await client.get("a").number()).toBe(1);
    expect(await client.get("none").string()).toBeNull();
    expect((await client.delete().key("a").exec()).deleted).toBe("1");
    expect(await client.get("a").string()).toBeNull();
  });

  it("reads prefixes, ranges, orders and counts", async () => {
    for (let at = 1; at <= 5; at++) await client.put(`range/${at}`).value(String(at));
    expect(await client.getAll().prefix("range/").strings()).toEqual({
      "range/1": "1",
      "range/2": "2",
      "range/3": "3",
      "range/4": "4",
      "range/5": "5",
    });
    const keys = await client.getAll().prefix("range/").sort("Key", "Descend").limit(2).keys();
    expect(keys).toEqual(["range/5", "range/4"]);
    expect(await client.getAll().prefix("range/").count()).toBe(5);
    expect((await client.delete().prefix("range/").exec()).deleted).toBe("5");
  });

  it("runs transactions", async () => {
    const attempt = async (owner: string): Promise<boolean> => {
      const result = await client
        .if("lock", "Create", "==", 0)
        .then(client.put("lock").value(owner))
        .else(client.get("lock"))
        .commit();
      return result.succeeded;
    };
    expect(await attempt("me")).toBe(true);
    expect(await attempt("you")).toBe(false);
    expect(await client.get("lock").string()).toBe("me");
  });

  it("lists members and status", async () => {
    const { members } = await client.cluster.memberList({ linearizable: false });
    expect(members.map(({ name }) => name).sort()).toEqual(["a", "b", "c"]);
    expect(members.flatMap(({ clientURLs }) => clientURLs).sort()).toEqual(
      dev.members.map(({ clientUrl }) => clientUrl).sort(),
    );
    const status = await client.maintenance.status();
    expect(status.version).toBe("3.4.23");
    expect(status.leader).not.toBe("0");
  });

  it("keeps many calls in flight", async () => {
    const values = Array.from({ length: 500 }, (_, at) => at);
    await Promise.all(values.map((at) => client.put(`many/${at}`).value(at)));
    expect(await client.getAll().prefix("many/").count()).toBe(500);
  });
});
