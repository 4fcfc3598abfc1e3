// Marks of data points, distinguishable without color and of equal size; paths around the current point.

export const SHAPES = [
  // A circle, a square, a triangle, a diamond, the triangle upside down, a plus.
  "m-2.4 0a2.4 2.4 0 1 0 0-.1z",
  "m-2.2-2.2h4.4v4.4h-4.4z",
  "m0-3.2l3 5.4h-6z",
  "m0-3.3l3 3.3-3 3.3-3-3.3z",
  "m0 3.2l3-5.4h-6z",
  "m-1-3h2v2h2v2h-2v2h-2v-2h-2v-2h2z",
  // A cross, an hourglass, a horizontal bar, a vertical bar.
  "m-3-2l1-1 2 2 2-2 1 1-2 2 2 2-1 1-2-2-2 2-1-1 2-2z",
  "m-2.8-3h5.6l-5.6 6h5.6z",
  "m-3.6-1.3h7.2v2.6h-7.2z",
  "m-1.3-3.6h2.6v7.2h-2.6z",
] as const;
