import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { framed, openSession, rawCall, startEchoServer } from "../../../test/rpc/echo-server.ts";
import { MethodTable } from "../service.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackError } from "./hpack-error.ts";

function decode(decoder: HpackDecoder, hex: string): string[] {
  const block = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return decoder.decode(block, 0, block.length).map(({ name, value }) => `${name}: ${value}`);
}

const common = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];

describe("the examples of RFC 7541, appendix C", () => {
  it.each([
    ["400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header"],
    ["040c2f73616d706c652f70617468", ":path: /sample/path"],
    ["100870617373776f726406736563726574", "password: secret"],
    ["82", ":method: GET"],
  ])("a field: %s", (hex, field) => {
    expect(decode(new HpackDecoder(4_096, 65_536), hex)).toEqual([field]);
  });

  it.each([
    [
      "828684410f7777772e6578616d706c652e636f6d",
      "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ],
    [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff",
      "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ],
  ])("three requests on one connection: %s ...", (first, second, third) => {
    const decoder = new HpackDecoder(4_096, 65_536);
    expect(decode(decoder, first)).toEqual(common);
    expect(decode(decoder, second)).toEqual([...common, "cache-control: no-cache"]);
    expect(decode(decoder, third)).toEqual([
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value",
    ]);
  });

  it("responses that evict from a table of 256 bytes", () => {
    const decoder = new HpackDecoder(256, 65_536);
    const date = "date: Mon, 21 Oct 2013 20:13:21 GMT";
    const location = "location: https://www.example.com";
    const first =
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff" +
      "6e919d29ad171863c78f0b97c8e9ae82ae43d3";
    expect(decode(decoder, first)).toEqual([
      ":status: 302",
      "cache-control: private",
      date,
      location,
    ]);
    expect(decode(decoder, "4883640effc1c0bf")).toEqual([
      ":status: 307",
      "cache-control: private",
      date,
      location,
    ]);
    const third =
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab" +
      "77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f" +
      "9587316065c003ed4ee5b1063d5007";
    expect(decode(decoder, third)).toEqual([
      ":status: 200",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:22 GMT",
      location,
      "content-encoding: gzip",
      "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ]);
  });
});

describe("the table", () => {
  it("forgets all when it is made empty, and grows again", () => {
    const decoder = new HpackDecoder(4_096, 65_536);
    decode(decoder, "400161 0162");
    expect(decode(decoder, "be")).toEqual(["a: b"]);
    expect(() => decode(decoder, "203fe11f be")).toThrow("no field has index 62");
  });

  it("counts its changes", () => {
    const decoder = new HpackDecoder(4_096, 65_536);
    decode(decoder, "82 8684 00016101 62");
    expect(decoder.generation).toBe(0);
    decode(decoder, "400161 0162");
    expect(decoder.generation).toBe(1);
  });

  it("takes no field larger than itself, and is empty then", () => {
    const decoder = new HpackDecoder(64, 65_536);
    decode(decoder, "400161 0162");
    const value = "76".repeat(40);
    expect(decode(decoder, `40016128${value}`)).toEqual([`a: ${"v".repeat(40)}`]);
    expect(() => decode(decoder, "be")).toThrow(HpackError);
  });

  it("keeps of a list what fits, and counts all", () => {
    const decoder = new HpackDecoder(4_096, 100);
    expect(decode(decoder, "828684868686")).toHaveLength(2);
    expect(decoder.listBytes).toBe(42 + 43 + 38 + 3 * 43);
  });
});

describe("blocks that are wrong", () => {
  it.each([
    ["index 0", "80"],
    ["a block that ends in an integer", "ff80"],
    ["an integer without end", "ffffffffffffffffff"],
    ["a string beyond the block", "000561"],
    ["a size after a field", "8220"],
    ["three sizes", "20202082"],
    ["a table larger than allowed", "3fe21f"],
  ])("%s", (_, hex) => {
    expect(() => decode(new HpackDecoder(4_096, 65_536), hex)).toThrow(HpackError);
  });

  it("any bytes are decoded or refused", () => {
    const decoder = new HpackDecoder(4_096, 65_536);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          decoder.decode(Buffer.from(bytes), 0, bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(HpackError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("with node:http2 as encoder", () => {
  it("any headers arrive as they were sent, again and again", async () => {
    const show = new MethodTable().register("/test.Echo/Metadata", {
      kind: "unary",
      handle: (_, call) => {
        const values = ["x-a", "x-b", "token"].map((key) => call.metadata(key));
        call.respond(Buffer.from(JSON.stringify(values)));
      },
    });
    const server = await startEchoServer({ stopGraceMs: 10 }, show);
    const session = openSession(server.port);
    const value = fc.string({ unit: fc.constantFrom(..."abXYZ019 -_=/.~{}"), maxLength: 900 });
    // A few values come often, so that the table is used, and evicts.
    const often = fc.oneof(value, fc.constantFrom("one", "two", "t".repeat(1_500)));
    await fc.assert(
      fc.asyncProperty(often, often, often, async (a, b, token) => {
        const sent = [a, b, token].map((text) => text.trim());
        const [xa = "", xb = "", xt = ""] = sent;
        const headers = { "x-a": xa, "x-b": xb, token: xt };
        const answer = await rawCall(session, "/test.Echo/Metadata", framed(""), headers);
        expect(JSON.parse(answer.data.subarray(5).toString())).toEqual(sent);
      }),
      { numRuns: 300 },
    );
    session.destroy();
    await server.stop();
  });
});
