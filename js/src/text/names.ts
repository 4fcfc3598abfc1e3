// Names of users' variables, of any length and in any script: their width, cutting, and isolation from the text around.
import { variable } from "./format";

/** Width of characters relative to an average letter; the first match counts. */
const WIDTHS: readonly [RegExp, number][] = [
  [/^[\p{M}\p{Cf}]$/u, 0],
  [/^[₀-₉]$/u, 0.6],
  [
    /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\uff01-\uff60]$/u,
    1.75,
  ],
  [/^[fijltrI.,:;'|!()[\]]$/, 0.65],
  [/^[mwMW@%]$/, 1.45],
  [/^\p{Lu}$/u, 1.15],
];
const WIDE = 1.75;
/** Pixels of an average letter in a drawing. */
const LETTER = 6;

/** Grapheme clusters: a flag or a letter with its accents must not be cut apart. */
function characters(text: string): string[] {
  // Missing in some supported browsers.
  if (typeof Intl.Segmenter !== "function") return [...text];
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

const characterWidth = (character: string): number => {
  const sum = [...character].reduce((w, c) => w + (WIDTHS.find(([kind]) => kind.test(c))?.[1] ?? 1), 0);
  // Several code points drawn as one sign.
  return Math.min(sum, WIDE);
};

/** Approximate width of a text in average letters. */
export const measure = (text: string): number => characters(text).reduce((sum, c) => sum + characterWidth(c), 0);

/** Cuts a text to a width in letters, with an ellipsis. */
export function cut(text: string, limit: number): string {
  // A longer text cannot fit: the rest need not be measured.
  const all = characters(text.slice(0, 4 * Math.ceil(limit) + 40));
  let width = 0;
  let fits = 0;
  for (const [i, c] of all.entries()) {
    width += characterWidth(c);
    if (width <= limit - 1) fits = i + 1;
    if (width > limit) return `${all.slice(0, Math.max(1, fits)).join("")}…`;
  }
  return text;
}

/** A name as short as it can be said: `mdot` for `mdot [kg/s]`. */
export const withoutUnit = (name: string): string => name.replace(/(?<=\S)\s+(\[[^[]*\]|\([^(]*\))$/, "");

/** Names within widths in letters that stay apart: without units, unless only these differ, and with their ends where they begin alike. */
export function shortened(names: readonly string[], limits: readonly number[]): string[] {
  const apart = (short: readonly string[], other: (i: number) => string) =>
    short.map((text, i) => (short.filter((one) => one === text).length > 1 ? other(i) : text));
  const long = apart(names.map(withoutUnit), (i) => names[i]!).map(variable);
  const short = long.map((name, i) => cut(name, limits[i]!));
  return apart(short, (i) =>
    long[i] === short[i]
      ? long[i]!
      : cut(long[i]!, limits[i]! / 2) +
        characters(long[i]!.slice(-40))
          .slice(-limits[i]! / 3)
          .join(""),
  );
}

/** A name within a sentence: right-to-left names are isolated, or they would reorder the words around them. */
export const isolated = (name: string): string =>
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name;

/** The name of a variable within a sentence. */
export const called = (name: string): string => isolated(variable(name));

/** A name on one line, or on two that are as even as its spaces allow. */
export function lined(name: string, pixels: number): string[] {
  const spaces = [...name.matchAll(/ /g)].map(({ index }) => index + 1);
  if (measure(name) * LETTER <= pixels || spaces.length === 0) return [cutTo(name, pixels)];
  const longer = (at: number) => Math.max(measure(name.slice(0, at)), measure(name.slice(at)));
  const at = spaces.reduce((best, next) => (longer(next) < longer(best) ? next : best));
  return [name.slice(0, at), name.slice(at)].map((line) => cutTo(line, pixels));
}

export const cutTo = (name: string, pixels: number): string => {
  const text = cut(name, Math.max(6, Math.floor(pixels / LETTER)));
  // Cutting may remove the closing mark of the isolation.
  return /\u2068[^\u2069]*$/.test(text) ? `${text}\u2069` : text;
};
