// The drawing area of a plot with its readout under the pointer.
import type { UiState } from "../state/ui-state";
import { attrs, h, line, s, setText, updateChildren } from "../ui/dom";
import type { Registry } from "../ui/listeners";

export interface Size {
  width: number;
  height: number;
}

/** A drawing that fills its container, with a crosshair and a readout. */
export class Stage {
  #drawing = s("g");
  /** Crosshair. */
  readonly cross = line("", "kw-c6", 1);
  #ring = s("circle", { class: "kw-p kw-float", "stroke-width": 2 });
  readonly svg = s("svg", { role: "img" }, this.#drawing, this.cross, this.#ring);
  size: Size = { width: 420, height: 220 };
  #empty = h("p", { class: "kw-empty kw-dim" });
  #readout = h("div", { class: "kw-readout kw-box kw-pop kw-fine", "aria-hidden": "true", hidden: true });
  readonly node = h("div", { class: "kw-stage kw-fill" }, this.svg, this.#empty, this.#readout);

  #at: [number, number] = [Number.NaN, Number.NaN];
  readonly #point: (x: number, y: number) => void;

  constructor(ui: UiState, registry: Registry, point: (x: number, y: number) => void = () => {}) {
    this.#point = point;
    registry.resize(this.node, (width, height) => {
      this.size = { width: Math.floor(width), height: Math.floor(height) };
      ui.touch("size");
    });
    registry.listen(this.svg, "pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      this.point([event.clientX - box.left, event.clientY - box.top]);
    });
    registry.listen(this.svg, "pointerleave", () => this.point([Number.NaN, Number.NaN]));
  }

  /** Updates the readout: after a movement of the pointer, and after a new drawing. */
  point(at = this.#at): void {
    this.#at = at;
    this.#point(...at);
  }

  /** Draws, or shows the reason for an empty drawing. */
  show(label: string, children: Element[], missing = ""): void {
    const { width, height } = this.size;
    attrs(this.svg, { width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": label || missing });
    updateChildren(this.#drawing, children);
    setText(this.#empty, missing);
    this.#empty.hidden = !missing;
  }

  /** Shows a readout beside a ring at a point; hides it without lines. */
  read(x: number, y: number, lines: (string | Element)[], r = 0): void {
    const box = this.#readout;
    box.hidden = lines.length === 0;
    attrs(this.#ring, { cx: x, cy: y, r });
    if (box.hidden) return;
    box.replaceChildren(...lines.map((item, i) => h(i > 0 ? "span" : "b", {}, item)));
    const { width, height } = this.size;
    const right = x > width / 2;
    const top = Math.max(0, Math.min(y - 12, height - 12 - 16 * lines.length));
    const room = Math.max(120, (right ? x : width - x) - 20);
    const side = right ? `right:${width - x + 12}` : `left:${x + 12}`;
    box.style.cssText = `top:${top}px;${side}px;max-width:${room}px;width:max-content;white-space:normal`;
  }
}
