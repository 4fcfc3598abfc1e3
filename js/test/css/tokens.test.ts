// Contrast of the colour tokens, computed from the style sheet itself on every surface that text and lines stand on.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const css = readFileSync(join(import.meta.dirname, "../../src/css/tokens.css"), "utf8");

type Rgb = [number, number, number];

function declarations(selector: string): Map<string, string> {
  const start = css.indexOf(`${selector} {`);
  const block = css.slice(start, css.indexOf("\n}", start));
  return new Map([...block.matchAll(/(--kw-[\w-]+):\s*([^;]+);/g)].map((m) => [m[1]!, m[2]!.replace(/\s+/g, " ")]));
}

function resolver(theme: "light" | "dark", host: Record<string, string>) {
  const values = new Map([
    ...declarations(".kanwidget"),
    ...(theme === "dark" ? declarations(".kanwidget.kw-dark") : []),
  ]);
  const resolve = (text: string): Rgb => {
    const trimmed = text.trim();
    const mix = /^color-mix\(in srgb, (.+) (\d+)%, (.+)\)$/.exec(trimmed);
    if (mix) {
      const [a, b] = [resolve(mix[1]!), resolve(mix[3]!)];
      const part = Number(mix[2]) / 100;
      return a.map((v, i) => v * part + b[i]! * (1 - part)) as Rgb;
    }
    const variable = /^var\((--[\w-]+)(?:, ?(.+))?\)$/.exec(trimmed);
    if (variable) return resolve(values.get(variable[1]!) ?? host[variable[1]!] ?? variable[2]!);
    const hex = trimmed.slice(1);
    const full = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
    return [0, 2, 4].map((i) => Number.parseInt(full.slice(i, i + 2), 16)) as Rgb;
  };
  return (name: string) => resolve(`var(--kw-${name})`);
}

const luminance = (rgb: Rgb): number => {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: Rgb, b: Rgb): number => {
  const [high, low] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number];
  return (high + 0.05) / (low + 0.05);
};

const HOSTS: [string, "light" | "dark", Record<string, string>][] = [
  ["no host, light", "light", {}],
  ["no host, dark", "dark", {}],
  ["JupyterLab light", "light", { "--jp-layout-color0": "#ffffff", "--jp-content-font-color0": "#000000" }],
  ["JupyterLab dark", "dark", { "--jp-layout-color0": "#111111", "--jp-content-font-color0": "#ffffff" }],
  [
    "VS Code dark",
    "dark",
    {
      "--vscode-editor-background": "#1f1f1f",
      "--vscode-editor-foreground": "#eeeeee",
      // Its widget manager brings these along.
      "--jp-layout-color0": "#ffffff",
      "--jp-content-font-color0": "#000000",
    },
  ],
];

describe.each(HOSTS)("%s", (_, theme, host) => {
  const colour = resolver(theme, host);
  const surfaces = ["bg", "surface", "hover", "soft"];

  it.each(["text", "text-2", "error", "ok", "warn"])("%s is readable", (name) => {
    for (const surface of surfaces)
      expect(contrast(colour(name), colour(surface)), surface).toBeGreaterThanOrEqual(4.5);
  });
  it("text-3 is readable where it is used, on the background", () => {
    expect(contrast(colour("text-3"), colour("bg"))).toBeGreaterThanOrEqual(4.5);
  });
  it("text on the accent is readable", () => {
    expect(contrast(colour("on-accent"), colour("accent"))).toBeGreaterThanOrEqual(4.5);
  });
  it.each(["1", "3", "4"])("words in the colour %s of a state are readable", (name) => {
    for (const surface of surfaces)
      expect(contrast(colour(name), colour(surface)), surface).toBeGreaterThanOrEqual(4.5);
  });
  it.each(["1", "2", "3", "4", "control", "accent"])("lines of %s are visible", (name) => {
    for (const surface of surfaces) expect(contrast(colour(name), colour(surface)), surface).toBeGreaterThanOrEqual(3);
  });
});

it("every rule stands under .kanwidget", () => {
  const built = readFileSync(join(import.meta.dirname, "../../../kanwidget/static/widget.css"), "utf8");
  let depth = 0;
  const heads: string[] = [];
  let head = "";
  for (const letter of built) {
    if (letter === "{") {
      if (depth === 0) heads.push(head.trim());
      depth += 1;
      head = "";
    } else if (letter === "}") {
      depth -= 1;
      head = "";
    } else head += letter;
  }
  for (const one of heads) expect(one).toMatch(/^(\.kanwidget|@media|@keyframes kw-|@container kw)/);
});
