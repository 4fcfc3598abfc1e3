// Numbers travel in one buffer of little-endian float32 beside the JSON. All functions copy: the bytes of a host may be
// part of a larger message (a byteOffset that is no multiple of four) and may be reused.
import type { Arrays } from "./messages";

/** One named array: row-major values with their shape. */
export interface NumberArray {
  values: Float32Array;
  shape: number[];
}

/** Any kind of binary as a DataView, or null for anything else. */
export function toView(binary: unknown): DataView | null {
  if (binary instanceof DataView) return binary;
  if (binary instanceof ArrayBuffer) return new DataView(binary);
  if (ArrayBuffer.isView(binary)) return new DataView(binary.buffer, binary.byteOffset, binary.byteLength);
  return null;
}

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** `count` float32 numbers from `offset` (counted in numbers), as a copy; null when they lie outside. */
export function readFloats(view: DataView, offset: number, count: number): Float32Array | null {
  if (offset < 0 || count < 0 || (offset + count) * 4 > view.byteLength) return null;
  if (LITTLE_ENDIAN) {
    const start = view.byteOffset + offset * 4;
    return new Float32Array(view.buffer.slice(start, start + count * 4) as ArrayBuffer);
  }
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32((offset + i) * 4, true));
}

/** All arrays of a message. Arrays that do not fit in the buffer are left out, never guessed. */
export function readArrays(arrays: Arrays, binary: unknown): Map<string, NumberArray> {
  const named = new Map<string, NumberArray>();
  const view = toView(binary);
  if (!view) return named;
  for (const [name, [offset, shape]] of Object.entries(arrays)) {
    const count = shape.reduce((product, n) => product * n, 1);
    const values = readFloats(view, offset, count);
    if (values) named.set(name, { values, shape });
  }
  return named;
}

/** Row `index` of a two-dimensional array (or the whole of a vector for row 0). */
export function row(array: NumberArray | undefined, index: number): Float32Array | null {
  if (!array) return null;
  const length = array.shape.length > 1 ? (array.shape[1] ?? 0) : array.values.length;
  const start = index * length;
  return start + length <= array.values.length ? array.values.subarray(start, start + length) : null;
}

/** The bytes of a base64 text, as in saved pages; null for other text. */
export function fromBase64(text: string): DataView | null {
  try {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new DataView(bytes.buffer);
  } catch {
    return null;
  }
}
