import { expect, it } from "vitest";
import { generateCodecs } from "./generate-codecs.ts";
import { schema } from "./schema.ts";

it("codecs.ts is what the schema generates", async () => {
  await expect(generateCodecs(schema)).toMatchFileSnapshot("./codecs.ts");
});
