// Line icons on a 16 px square.
import { s } from "./dom";

const PATHS = {
  play: "M5 3.4v9.2l7.4-4.6z",
  pause: "M5.4 3.6v8.8M10.6 3.6v8.8",
  step: "M4 3.6v8.8l6-4.4zM12.2 3.6v8.8",
  reset: "M3.4 8a4.6 4.6 0 1 0 1.5-3.4M3.4 2.4v3h3",
  undo: "M3 6.5h6.5a3.25 3.25 0 0 1 0 6.5H6M6 3.5l-3 3 3 3",
  redo: "M13 6.5H6.5a3.25 3.25 0 0 0 0 6.5H10M10 3.5l3 3-3 3",
  down: "M5 6.5l3 3 3-3",
  left: "M9.5 4l-4 4 4 4",
  right: "M6.5 4l4 4-4 4",
  further: "M4 4l4 4-4 4M8.5 4l4 4-4 4",
  close: "M4 4l8 8M12 4l-8 8",
  expand: "M9.5 3H13v3.5M13 3L9 7M6.5 13H3V9.5M3 13l4-4",
  collapse: "M13 7H9V3M9 7l4-4M3 9h4v4M7 9l-4 4",
  export: "M8 2.5v7M5 6.8l3 3 3-3M3 10.5V13h10v-2.5",
  help: "M5.6 6a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.8-1.1 1.7M8 12.4h.01",
  swap: "M3 5.5h9.5M9.5 2.8l3 2.7-3 2.7M13 10.7H3.5M6.5 8l-3 2.7 3 2.7",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED: readonly IconName[] = ["play", "step"];
const THICK: readonly IconName[] = ["pause", "more"];

export function icon(name: IconName): SVGSVGElement {
  const path = s("path", { d: PATHS[name] });
  if (FILLED.includes(name)) path.setAttribute("fill", "currentColor");
  if (THICK.includes(name)) path.setAttribute("stroke-width", "2.8");
  const looks = {
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.5,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  };
  return s("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", ...looks }, path);
}

export function setIcon(button: Element, name: IconName): void {
  const old = button.querySelector("svg");
  if (old?.getAttribute("data-icon") === name) return;
  const fresh = icon(name);
  fresh.setAttribute("data-icon", name);
  old?.replaceWith(fresh);
}
