import { describe, expect, it } from "vitest";
import { fromBase64, readArrays, readFloats, row, toView } from "../../src/protocol/codecs";
import { pack } from "../fake/pack";

describe("readArrays", () => {
  it("reads from a view that begins at an odd byte", () => {
    const { arrays, buffer } = pack({
      a: [[1, 2.5], [2]],
      b: [
        [1, 2, 3, 4, 5, 6],
        [2, 3],
      ],
    });
    expect(buffer.byteOffset).toBe(3);
    const found = readArrays(arrays, buffer);
    expect([...found.get("a")!.values]).toEqual([1, 2.5]);
    expect([...row(found.get("b"), 1)!]).toEqual([4, 5, 6]);
  });

  it("copies: later changes of the host's buffer do not show", () => {
    const { arrays, buffer } = pack({ a: [[7], [1]] });
    const found = readArrays(arrays, buffer);
    buffer.setFloat32(0, 9, true);
    expect(found.get("a")!.values[0]).toBe(7);
  });

  it("takes ArrayBuffers and typed arrays too", () => {
    const floats = new Float32Array([1, 2]);
    expect([...readArrays({ a: [0, [2]] }, floats.buffer).get("a")!.values]).toEqual([1, 2]);
    expect([...readArrays({ a: [1, [1]] }, new Uint8Array(floats.buffer)).get("a")!.values]).toEqual([2]);
    expect([...readArrays({ a: [0, [1]] }, new Uint8Array(floats.buffer, 4)).get("a")!.values]).toEqual([2]);
  });

  it("leaves out what lies outside", () => {
    const { buffer } = pack({ a: [[1, 2], [2]] });
    expect(readArrays({ a: [1, [2]], b: [-1, [1]], c: [0, [2]] }, buffer).size).toBe(1);
    expect(readArrays({ a: [0, [1]] }, undefined).size).toBe(0);
    expect(readFloats(buffer, 0, 3)).toBeNull();
  });
});

describe("row", () => {
  it("is null outside the array", () => {
    expect(row({ values: new Float32Array(4), shape: [2, 2] }, 2)).toBeNull();
    expect(row(undefined, 0)).toBeNull();
  });
});

describe("base64", () => {
  it("round-trips bytes", () => {
    const view = fromBase64(Buffer.from(new Float32Array([1.5]).buffer).toString("base64"))!;
    expect(view.getFloat32(0, true)).toBe(1.5);
  });
  it("is null for anything else", () => {
    expect(fromBase64("§")).toBeNull();
    expect(toView("text")).toBeNull();
  });
});
