// Names that users bring, of any length and in any script: how wide they are, where to cut them, and how they stand
// among other words.
import { variable } from "./format";

/** By how much a character is wider or narrower than an average letter; the first that fits counts. */
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

/** The parts of a text that are read as one character: a flag or a letter with its accents must not be cut apart. */
function characters(text: string): string[] {
  // Not in every browser that is supported.
  if (typeof Intl.Segmenter !== "function") return [...text];
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

const characterWidth = (character: string): number => {
  const sum = [...character].reduce((w, c) => w + (WIDTHS.find(([kind]) => kind.test(c))?.[1] ?? 1), 0);
  // Several signs that are drawn as one.
  return Math.min(sum, WIDE);
};

/** About how many average letters wide a text is. */
export const measure = (text: string): number => characters(text).reduce((sum, c) => sum + characterWidth(c), 0);

/** A text of at most so many letters' width, with an ellipsis where it was cut. */
export function cut(text: string, limit: number): string {
  // Nothing that long fits anywhere: no need to look at all of it.
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

/** A name as part of a sentence: one that runs from right to left must not turn the words around it. */
export const isolated = (name: string): string =>
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name;

/** The name of a variable as part of a sentence. */
export const called = (name: string): string => isolated(variable(name));

export const cutTo = (name: string, pixels: number): string => {
  const text = cut(name, Math.max(6, Math.floor(pixels / 6)));
  // What is cut off must not take the end of the isolation along.
  return /\u2068[^\u2069]*$/.test(text) ? `${text}\u2069` : text;
};
