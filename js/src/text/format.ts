// Numbers for readers: three to four significant digits, powers of ten.

const MINUS = "−";
const SUPERSCRIPT: Record<string, string> = {
  "-": "⁻",
  "0": "⁰",
  "1": "¹",
  "2": "²",
  "3": "³",
  "4": "⁴",
  "5": "⁵",
  "6": "⁶",
  "7": "⁷",
  "8": "⁸",
  "9": "⁹",
};

const superscript = (n: number): string => [...String(n)].map((c) => SUPERSCRIPT[c] ?? c).join("");

/** A power of ten: `10⁻³`; others as `3×10⁻³`. */
export function power(value: number): string {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)) + 1e-9);
  const factor = value / 10 ** exponent;
  const rounded = Number(factor.toPrecision(2));
  const head = rounded === 1 ? "" : `${String(rounded).replace("-", MINUS)}×`;
  return `${head}10${superscript(exponent)}`;
}

/** A number for a sentence or a table: `0.0312`, `3.4e-5`, `12,300`. */
export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6)
    return value
      .toExponential(digits - 2)
      .replace(/(\.0+)?e\+?/, "e")
      .replace(/^-/, MINUS);
  const rounded = Number(value.toPrecision(digits));
  return (size >= 1e4 ? rounded.toLocaleString("en-US") : String(rounded)).replace("-", MINUS);
}

/** R², never rounded up to 1: readers compare the nines. */
export function rSquared(value: number): string {
  if (Number.isNaN(value)) return number(value);
  if (value >= 1) return "1";
  if (value < 0) return number(value, 3);
  const missing = 1 - value;
  if (missing < 5e-9) return "1";
  const decimals = missing < 1e-3 ? Math.min(8, Math.ceil(-Math.log10(missing)) + 1) : 4;
  const text = (Math.floor(value * 10 ** decimals) / 10 ** decimals).toFixed(decimals);
  return missing < 1e-3 ? text.replace(/0+$/, "") : text;
}

export const milliseconds = (value: number): string =>
  value >= 1000 ? `${number(value / 1000, 2)} s/step` : `${number(value, 2)} ms/step`;

export const thousands = (n: number): string => n.toLocaleString("en-US");

export const count = (n: number, singular: string, plural = `${singular}s`): string =>
  `${thousands(n)} ${n === 1 ? singular : plural}`;

/** An interval of validity: `all x`, `x > 0`, `−1 … 1`. */
export function interval(valid: (number | null)[] | null, name = "x"): string {
  if (!valid) return `all ${name}`;
  const [low, high] = [valid[0] ?? null, valid[1] ?? null];
  if (low === null && high === null) return `all ${name}`;
  if (high === null) return `${name} > ${number(low)}`;
  if (low === null) return `${name} < ${number(high)}`;
  return `${number(low)} < ${name} < ${number(high)}`;
}

/** The name of a primitive for readers: `x²` for `x^2`. */
export const pretty = (name: string): string =>
  // A function that doesn't depend on its input.
  name === "0" ? "constant" : name.replace(/\^(\d+)(?!\d|\.\d)/g, (_, n: string) => superscript(Number(n)));

/** A formula in plain text, as it is read in a sentence: `0.12·x₁² − 3·10⁻⁵` for `0.12*x_1^2 - 3e-05`. */
export const inLine = (text: string): string =>
  powers(pretty(text.replaceAll("**", "^")).replaceAll("*", "·"))
    .replace(/\bpi\b/g, "π")
    .replace(/(?<=[ (])-(?=[ (\p{L}\d])/gu, MINUS)
    .replace(/\p{L}+_\d+/gu, variable);

const powers = (text: string): string =>
  text.replace(/(?<=[\d)])e([+-]?\d+)\b/g, (_, n: string) => `·10${superscript(Number(n))}`);

/** What stands in a formula, with its signs: `{east: (−1.5 ± 0.2)·10⁻⁵}`. */
export const valuesInLine = (text: string): string => powers(text.replace(/(?<=: \(?)-(?=\d)/g, MINUS));

const DIGITS = "₀₁₂₃₄₅₆₇₈₉";
const GREEK =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega".split(
    " ",
  );

/** The sign of a letter by its name, as in formulas: `α` for `alpha`, `Δ` for `Delta`. */
function greek(name: string): string | null {
  const at = GREEK.indexOf(name.toLowerCase());
  if (at < 0 || name.slice(1) !== GREEK[at]!.slice(1)) return null;
  // The code point of the final sigma precedes that of sigma.
  const sign = String.fromCharCode(0x3b1 + at + (at > 16 ? 1 : 0));
  return name[0] === GREEK[at]![0] ? sign : sign.toUpperCase();
}

/** The name of a variable in formulas: `x₁` for `x_1`, `θ₁₂` for `theta_12`; other names are unchanged. */
export const variable = (name: string): string => {
  const [, base = "", digits = ""] = /^(\p{L}+)_?(\d*)$/u.exec(name) ?? [];
  const letter = [...base].length === 1 ? base : greek(base);
  return letter ? letter + [...digits].map((c) => DIGITS[Number(c)]).join("") : name;
};

interface TickLabels {
  labels: string[];
  /** The common part of all labels, written once: `· 10⁻⁶`, `0.0357 + … · 10⁻⁶`; empty for plain labels. */
  common: string;
}

/**
 * Labels for the ticks of an axis. If the values differ little, their common part is factored out: six labels of 0.0357
 * say nothing. A power of ten is factored out of very small and very large values.
 */
export function tickLabels(values: readonly number[]): TickLabels {
  const [first, last] = [values[0] ?? 0, values.at(-1) ?? 0];
  const size = Math.max(Math.abs(first), Math.abs(last));
  const close = values.length > 1 && (last - first) / size <= 4e-3;
  const middle = close ? values[values.length >> 1]! : 0;
  const rest = values.map((v) => Number((v - middle).toPrecision(close ? 3 : 12)));
  const largest = rest.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const exponent = Math.floor(Math.log10(largest) + 1e-9);
  const factored = largest > 0 && (exponent < -2 || exponent > 4);
  const factor = factored ? `· 10${superscript(exponent)}` : "";
  const base = close ? `${number(middle, 4)} +${factored ? " … " : ""}` : "";
  return { labels: rest.map((v) => number(factored ? v / 10 ** exponent : v)), common: base + factor };
}
