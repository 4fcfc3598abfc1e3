// The legend below the drawing, with the switch for pruned edges.
import type { Context } from "../state/context";
import { attrs, h, line, s } from "../ui/dom";
import type { Registry } from "../ui/listeners";

export function legend({ ui }: Context, registry: Registry) {
  const sample = (state: string, dash: string | null) =>
    s("svg", { width: 20, height: 8, "aria-hidden": "true", "data-state": state }, line("M1 4H19", "", 2.4, dash));
  const item = (state: string, dash: string | null, label: string) =>
    h("span", { class: "kw-row" }, sample(state, dash), label);
  const pruned = h(
    "button",
    {
      type: "button",
      class: "kw-button kw-bare kw-small",
      title: "Show pruned edges or hide them",
      "data-kw-toggle": "pruned",
    },
    sample("pruned", "1.5 3.5"),
    "pruned",
  );
  registry.listen(pruned, "click", () => ui.set("showPruned", !ui.values.showPruned));
  const node = h(
    "div",
    { class: "kw-row kw-legend kw-dim kw-fine", title: "both: a formula and the spline as its correction" },
    item("spline", null, "spline"),
    item("symbolic", null, "formula"),
    item("both", "9 3", "both"),
    pruned,
    h("span", { class: "kw-row kw-roomy" }, "width: importance"),
  );
  const draw = (any: boolean) => {
    attrs(pruned, { "aria-pressed": String(ui.values.showPruned), disabled: !any });
  };
  return { node, draw };
}
