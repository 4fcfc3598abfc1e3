// The network as a formula, its error, and everything that can be taken away: LaTeX, Python, the session as code, files.

import type { ExportFormat } from "../actions";
import type { Context, View } from "../context";
import { attrs, h, setText } from "../dom";
import { copyText } from "../download";
import { number } from "../format";
import { Registry } from "../listeners";
import { formula } from "../math";
import { touches } from "../topics";
import { button, menu } from "./controls";

const EXPORTS: readonly [ExportFormat, string][] = [
  ["svg", "SVG drawing"],
  ["png", "PNG picture"],
  ["csv", "CSV of the curves"],
  ["json", "JSON state"],
  ["html", "HTML page"],
];

export function formulaBar(context: Context): View {
  const registry = new Registry();
  const { store } = context;
  const output = h("div", { class: "kw-output", tabindex: 0, role: "group", "aria-label": "Formula" });
  const dots = h("span", { class: "kw-progress", "aria-hidden": "true" });
  const fixed = h("span");
  const rmse = h("span");
  const meta = h("div", { class: "kw-meta" }, h("div", {}, dots, fixed), rmse);
  const copies = copyButtons(context, registry);
  const files = exportMenu(context, registry);
  const node = h(
    "section",
    { class: "kw-panel kw-formula", "data-kw-panel": "formula", "aria-label": "Formula", "data-kw-formula": "" },
    output,
    meta,
    h("div", { class: "kw-group" }, ...copies.nodes, files.node),
    copies.code,
  );
  let written = "";
  const draw: View["draw"] = (topics) => {
    copies.draw(topics);
    if (touches(topics, "link")) files.draw();
    if (!touches(topics, "formula", "settings")) return;
    const { formula: value, settings } = store.state;
    attrs(node, { "data-kw-formula": value.text });
    const now = JSON.stringify(value.outputs);
    if (now !== written) {
      written = now;
      output.replaceChildren(...value.outputs.map((tree) => h("div", { class: "kw-equation" }, formula(tree))));
    }
    setText(fixed, `${value.fixed} of ${value.active} ${value.active === 1 ? "edge" : "edges"} fixed`);
    setText(rmse, value.rmse === null ? "" : `${settings.loss} ${number(value.rmse)}`);
    dots.style.setProperty("--kw-part", String(value.active > 0 ? value.fixed / value.active : 0));
  };
  return { node, draw, destroy: () => registry.destroy() };
}

function exportMenu({ act }: Context, registry: Registry) {
  const items = EXPORTS.map(([format, label]) => button({ action: `export-${format}`, label }));
  items.forEach((item, i) => registry.listen(item, "click", () => act.exportAs(EXPORTS[i]![0])));
  const node = menu("Export", "export", items, registry);
  const draw = () => {
    node.hidden = !act.possible;
  };
  return { node, draw };
}

function copyButtons(context: Context, registry: Registry) {
  const { store, act, ui } = context;
  const latex = button({ action: "copy-latex", label: "LaTeX", icon: "copy", title: "Copy the formula as LaTeX" });
  const python = button({ action: "copy-python", label: "Python", icon: "copy", title: "Copy the formula as Python" });
  const code = button({ action: "copy-code", label: "Code", icon: "copy", title: "The session as a script" });
  const panel = codePanel(context, registry);
  const copied = async (what: HTMLButtonElement, text: string, name: string) => {
    if (!(await copyText(text))) return panel.show(text, name);
    ui.set("note", `${name} copied`);
    flash(what, registry);
  };
  registry.listen(latex, "click", () => copied(latex, store.state.formula.latex, "LaTeX"));
  registry.listen(python, "click", () => copied(python, store.state.formula.python, "Python"));
  registry.listen(code, "click", () => {
    if (panel.open()) panel.close();
    else act.exportAs("code");
  });
  const draw: View["draw"] = (topics) => {
    if (touches(topics, "link")) code.hidden = !act.possible;
    if (!touches(topics, "code") || store.state.code === null) return;
    const text = store.state.code;
    store.state.code = null;
    panel.show(text, "The session as code");
    copied(code, text, "Code");
  };
  return { nodes: [latex, python, code], code: panel.node, draw };
}

function flash(what: HTMLButtonElement, registry: Registry): void {
  what.dataset.done = "true";
  registry.timeout(() => what.removeAttribute("data-done"), 1200);
}

/** Text to read and to copy by hand. */
function codePanel(_: Context, registry: Registry) {
  const title = h("b");
  const text = h("pre", { tabindex: 0 });
  const close = button({ label: "Close", icon: "close", iconOnly: true });
  const node = h(
    "div",
    { class: "kw-code", role: "dialog", "aria-label": "Code", hidden: true },
    h("div", { class: "kw-head" }, title, h("span", { class: "kw-end" }, close)),
    text,
  );
  const hide = () => {
    node.hidden = true;
  };
  registry.listen(close, "click", hide);
  registry.listen(node, "keydown", (event) => {
    if (event.key !== "Escape") return;
    hide();
    event.stopPropagation();
  });
  const show = (content: string, name: string) => {
    setText(title, name);
    setText(text, content);
    node.hidden = false;
  };
  return { node, show, close: hide, open: () => !node.hidden };
}
