import { expect, it } from "vitest";
import { type Method, MethodTable } from "./service.ts";

const method: Method = { kind: "unary", handle: () => {} };

it("finds what was registered", () => {
  const table = new MethodTable().register("/a.B/C", method);
  expect(table.find("/a.B/C")).toBe(method);
  expect(table.find("/a.B/D")).toBeUndefined();
});

it.each(["a.B/C", "/a.B", "/a.B/", "//C", "/a/b/c"])("refuses the path %s", (path) => {
  expect(() => new MethodTable().register(path, method)).toThrow(/Cannot register/);
});

it("refuses a path twice", () => {
  const table = new MethodTable().register("/a.B/C", method);
  expect(() => table.register("/a.B/C", method)).toThrow(/is registered/);
});

it.each([
  ["/a.B/D", "unknown method D for service a.B"],
  ["/a.X/C", "unknown service a.X"],
  ["/a.B", 'malformed method name: "/a.B"'],
  ["a.B/C", 'malformed method name: "a.B/C"'],
])("describes %s", (path, message) => {
  const table = new MethodTable().register("/a.B/C", method);
  expect(table.describeUnknown(path)).toEqual({ code: 12, message });
});
