// Classes of data points without color: shapes, a legend, and words.

import { SHAPES } from "../plot/marks";
import { called } from "../text/names";
import { h, s } from "../ui/dom";
import { css } from "./heatmap";
import type { Surface } from "./surface-panel";

/** More classes than shapes share the last one. */
export const shapeOf = ({ classes }: Surface, label: number): string =>
  SHAPES[classes ? Math.min(label, SHAPES.length - 1) : 0]!;

/** Legend of the classes, in the colors of the map: one color for the output's class, one for all others. */
export function classLegend() {
  const node = h("ul", { class: "kw-marks", "aria-label": "Classes of the data" });
  const draw = ({ classes, outputs, output }: Surface, dark: boolean) => {
    node.hidden = !classes;
    const rows = SHAPES.slice(0, classes ? outputs.length : 0).map((d, i) => {
      const rest = outputs.length - i;
      const name = i === SHAPES.length - 1 && rest > 1 ? `${rest} other classes` : called(outputs[i]!);
      const fill = css(Number(i === output), dark);
      const mark = s("path", { class: "kw-dot-on", d, fill, transform: "translate(8 7)scale(1.6)" });
      const sample = s("svg", { width: 16, height: 14, "aria-hidden": "true" }, mark);
      const caption = h(i === output ? "b" : "span", { class: "kw-cut", title: name }, name);
      return h("li", { class: "kw-row" }, sample, caption);
    });
    node.replaceChildren(...rows);
  };
  return { node, draw };
}

/** Number of points per class, in words. */
export function classCounts({ classes, outputs }: Surface, labels: Float32Array): string {
  if (!classes) return "";
  const counts = outputs.map((name, i) => `${labels.filter((label) => label === i).length} ${called(name)}`);
  return `, with data: ${counts.join(", ")}`;
}
