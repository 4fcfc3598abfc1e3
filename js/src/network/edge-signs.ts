// Small signs on a thumbnail: the primitive of a fixed edge or of a preview, a pin for frozen, a chain for tied edges.

import { type EdgeInfo, keyText } from "../protocol/structure";
import { pretty } from "../text/format";
import { cut, measure } from "../text/names";
import { attrs, line, s, setText } from "../ui/dom";
import type { Box } from "./layout";

/** A pin for a frozen edge; two chain links with the number of the tie for a tied edge. */
export function boundSign(info: EdgeInfo, box: Box): SVGGElement {
  const { tied, state } = info;
  const pin = info.frozen ? [line("M-2.5 -4.5h5m-4 0l-.6 4.3l-1.6 1.6h7.4l-1.6 -1.6l-.6 -4.3M0 1.6v3.6", "", 1.2)] : [];
  const chain = "M1 -2h-3a2 2 0 0 0 0 4h1.4M-1 2h3a2 2 0 0 0 0 -4h-1.4";
  const number = String((tied ?? 0) + 1);
  const from = pin.length * 13;
  const link = [line(chain, "", 1.4), s("text", { class: "kw-f", x: 6, y: 4 }, number)];
  const links = tied === undefined ? [] : [s("g", { transform: `translate(${from} 0)` }, ...link)];
  const width = 14 + (tied === undefined ? 0 : from + 7 * number.length);
  const plate = s("rect", { class: "kw-solid", x: -7, y: -7, width, height: 14, rx: 7 });
  // Over the corner, to hide little of the curve.
  const transform = `translate(${(box.x + box.w + 10 - width).toFixed(1)} ${(box.y - 1).toFixed(1)})`;
  const looks = {
    class: "kw-badge kw-strong kw-fine",
    transform,
    "data-state": state,
    "data-bound": keyText(info.key),
  };
  return s("g", looks, plate, ...pin, ...links);
}

/** The name of a fixed function. */
export function badgeText(info: EdgeInfo, name: string): string | null {
  if (!info.function || !(info.state === "symbolic" || info.state === "both")) return null;
  return info.state === "both" ? `${pretty(info.function)} + ${name}` : pretty(info.function);
}

/** Primitive of a preview, not wider than the thumbnail: neighbors have labels too. */
export const markText = (name: string, width: number): string =>
  width > 60 ? `→ ${cut(pretty(name), width / 6.4 - 3)}` : cut(pretty(name), width / 6.4 - 1);

/** Writes or removes the label under a thumbnail; the element is reused. */
export function label(old: SVGGElement | null, parent: Element, text: string | null, box: Box): SVGGElement | null {
  if (!text) {
    old?.remove();
    return null;
  }
  const badge =
    old ??
    s(
      "g",
      { class: "kw-badge kw-strong kw-fine" },
      s("rect", { class: "kw-solid", rx: 8, height: 16 }),
      s("text", { class: "kw-f", "text-anchor": "middle" }),
    );
  if (!old) parent.append(badge);
  const width = measure(text) * 6.4 + (box.w > 50 ? 12 : 7);
  const [x, y] = [box.x + box.w / 2, box.y + box.h + 2];
  const [plate, caption] = [badge.firstElementChild!, badge.lastElementChild!];
  attrs(plate, { x: (x - width / 2).toFixed(1), y: (y - 5).toFixed(1), width: width.toFixed(1) });
  attrs(caption, { x: x.toFixed(1), y: (y + 7).toFixed(1) });
  setText(caption, text);
  return badge;
}
