// One word a thing: names of settings and tabs, as every part of the page writes them.

export const WORDS = {
  lamb: "Simplify (λ)",
  grid: "Grid",
  noise: "Label noise",
  batch: "Rows per step",
  seed: "Seed",
  error: "Error",
  fit: "Fit against data",
  confusion: "Confusion",
  discovery: "Discover",
} as const;

/** "λ: 0 to 10": what a field takes. */
export const takes = (name: string, range: string): string => `${name}: ${range}`;

/** A number as people type it: with a comma for the point, a long minus; NaN for anything else. */
export function typedNumber(text: string): number {
  const plain = text
    .trim()
    .replace("−", "-")
    .replace(/^([-+]?\d*),(\d+)(e[-+]?\d+)?$/i, "$1.$2$3");
  return plain === "" ? Number.NaN : Number(plain);
}
