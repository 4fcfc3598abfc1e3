// The wire form of numbers, as the kernel writes it.
import type { Arrays } from "../../src/protocol/messages";

/** Packs named arrays into one buffer. */
export function pack(named: Record<string, [ArrayLike<number>, number[]]>): { arrays: Arrays; buffer: DataView } {
  const arrays: Arrays = {};
  let offset = 0;
  for (const [name, [values, shape]] of Object.entries(named)) {
    arrays[name] = [offset, shape];
    offset += values.length;
  }
  // An odd byteOffset, as hosts that cut messages out of larger ones produce it.
  const view = new DataView(new ArrayBuffer(offset * 4 + 3), 3, offset * 4);
  let at = 0;
  for (const [values] of Object.values(named))
    for (let i = 0; i < values.length; i++, at += 4) view.setFloat32(at, values[i]!, true);
  return { arrays, buffer: view };
}
