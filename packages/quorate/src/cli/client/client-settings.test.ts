import { describe, expect, it } from "vitest";
import { createClientSettings } from "./client-settings.ts";

describe("createClientSettings", () => {
  it("takes flags before environment before defaults", () => {
    const both = { QUORATE_ENDPOINTS: "q:1", ETCDCTL_ENDPOINTS: "e:1,http://f:2" };
    const endpoints = (flags: object, environment: Record<string, string>): readonly string[] =>
      createClientSettings(flags, environment).endpoints;
    expect(endpoints({ endpoints: ["x:9", "y"] }, both)).toEqual(["x:9", "y:2379"]);
    expect(endpoints({}, both)).toEqual(["q:1"]);
    expect(endpoints({}, { ...both, QUORATE_ENDPOINTS: "" })).toEqual(["e:1", "f:2"]);
    expect(createClientSettings({}, {})).toEqual({
      endpoints: ["127.0.0.1:2379"],
      output: "simple",
      timeoutMs: 5_000,
    });
  });

  it("names an endpoint that cannot be read", () => {
    expect(() => createClientSettings({ endpoints: ["https://a:1"] }, {})).toThrow(
      'Cannot use endpoint "https://a:1": TLS is not supported yet',
    );
  });
});
