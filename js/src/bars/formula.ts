// The network as a formula over the full width, with its error, and all exports: LaTeX, Python, the session as code, files.

import { AS_TRAINED, chosenForm, FITTED, formChooser, isComplete } from "../formula/choice";
import { constantsList } from "../formula/constants";
import { output } from "../formula/output";
import { menuOf } from "../menus/context-menu";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { thousands, valuesInLine } from "../text/format";
import { copyText } from "../ui/clipboard";
import { button, iconButton } from "../ui/controls";
import { activeIn, attrs, h, setText } from "../ui/dom";
import { onKey } from "../ui/keys";
import { Registry } from "../ui/listeners";

/** With more curves that have no name the formula is left to its tab. */
const MANY_CURVES = 24;

export function formulaBar(context: Context): View {
  const registry = new Registry();
  const { store } = context;
  const written = output(context, registry, () => chosenForm(context).latex);
  const constants = constantsList();
  // On paper there is no tab that says what words and curves are.
  const meaning = h("p", { class: "kw-meaning", hidden: true });
  const fixed = h("span", { class: "kw-dim kw-roomy", title: "Edges replaced by functions" });
  const copies = copyButtons(context, registry);
  const files = exportMenu(context, registry);
  const form = formChooser(context, registry);
  const tab = h("button", {
    type: "button",
    class: "kw-link kw-bare kw-more kw-many",
    "data-kw-action": "open-formula",
  });
  const acts = h("div", { class: "kw-row kw-end" }, ...copies.nodes, files.node);
  const head = h("div", { class: "kw-row kw-formula-head" }, h("h2", {}, "Formula"), form.node, fixed, acts);
  const node = h(
    "section",
    { class: "kw-formula kw-line", "data-kw-panel": "formula", "aria-label": "Formula", "data-kw-formula": "" },
    head,
    tab,
    written.node,
    constants.node,
    meaning,
    copies.code,
  );
  registry.listen(tab, "click", () => context.ui.set("tab", "formula"));
  let fitted: boolean | undefined;
  // It stands below the network: whoever asks for it on a low screen would not see that it has come. Its constants come later.
  const reveal = (last = false) => {
    const { awaited } = context.ui.values;
    if (last) context.ui.set("awaited", false);
    if (awaited) registry.settled(() => node.scrollIntoView({ block: "nearest" }));
  };
  const draw: View["draw"] = (topics) => {
    copies.draw(topics);
    if (touches(topics, "guide")) {
      const done = store.state.guide.steps.some((step) => step.name === "formula" && step.done);
      // Whoever fits the constants wants to see them, and whoever opens a page where they were fitted.
      if (done && !fitted) context.ui.set("form", FITTED);
      fitted = done;
    }
    if (fitted && touches(topics, "guide", "awaited")) reveal();
    if (touches(topics, "link", "settings")) files.draw();
    written.draw(topics);
    if (!touches(topics, "formula", "panels", "view", "status", "settings", "link")) return;
    const { formula: value } = store.state;
    const chosen = chosenForm(context);
    form.draw();
    if (!touches(topics, "formula", "panels", "view", "link")) return;
    attrs(node, { "data-kw-formula": chosen.text });
    // So many curves without a name say nothing: the tab has room for them.
    const curves = value.active - value.fixed;
    const long = curves > MANY_CURVES && chosen.name === AS_TRAINED;
    tab.hidden = !long;
    written.node.hidden = long;
    setText(tab, `${curves} curves: simplify or replace them for a formula`);
    written.write(long ? [] : chosen.outputs);
    keepHeight(written.node, store.running);
    constants.write(chosen);
    setText(meaning, valuesInLine(chosen.meaning));
    if (fitted) reveal(isComplete(context));
    setText(fixed, `${thousands(value.fixed)} of ${thousands(value.active)} edges replaced`);
  };
  return { node, draw, destroy: () => registry.destroy() };
}

/** While it trains a formula gets no lower: what stands below it would go up and down. */
function keepHeight(node: HTMLElement, running: boolean): void {
  if (running) node.style.minHeight = `${node.offsetHeight}px`;
  else node.style.removeProperty("min-height");
}

/** A menu of the kernel's export formats, a row of `FORMATS` each. */
function exportMenu({ act, store }: Context, registry: Registry) {
  const attrs = { "aria-haspopup": "menu", "data-kw-menu": "export" };
  const node = button({ label: "Export", title: "Export", icon: "export", attrs });
  const entries = () =>
    store.state.formats.map(([format = "", label = ""]) => ({
      action: `export-${format}`,
      label,
      run: () => act.exportAs(format),
    }));
  menuOf(node, registry, { entries, subject: () => "" });
  const draw = () => {
    node.hidden = !act.hasKernel || store.state.formats.length === 0;
  };
  return { node, draw };
}

function copyButtons(context: Context, registry: Registry) {
  const { store, act, ui } = context;
  const latex = button({ action: "copy-latex", label: "LaTeX", title: "Copy the formula as LaTeX" });
  const python = button({ action: "copy-python", label: "Python", title: "Copy the formula as Python" });
  const code = button({ action: "copy-code", label: "Code", title: "The session as a script" });
  const popup = codePopup(context, registry);
  const copied = async (trigger: HTMLButtonElement, text: string, name: string) => {
    if (!(await copyText(text))) return popup.show(text, name);
    ui.set("note", `${name} copied`);
    flash(trigger, registry);
  };
  registry.listen(latex, "click", () => copied(latex, chosenForm(context).latex, "LaTeX"));
  registry.listen(python, "click", () => copied(python, chosenForm(context).python, "Python"));
  registry.listen(code, "click", () => {
    if (popup.open()) popup.close();
    else act.exportAs("code");
  });
  const draw: View["draw"] = (topics) => {
    if (touches(topics, "link", "settings")) {
      // A saved page offers its session under another name.
      const [, label] = store.state.formats.find(([format]) => format === "code") ?? [];
      code.hidden = !act.hasKernel && !label;
      if (label) setText(code.firstElementChild!, label);
      if (label) attrs(code, { title: "Download the session, and the lines of Python that go on with it" });
    }
    if (!touches(topics, "code") || store.state.code === null) return;
    const text = store.state.code;
    store.state.code = null;
    popup.show(text, "The session as code");
    copied(code, text, "Code");
  };
  const word = h("span", { class: "kw-dim kw-roomy" }, "Copy");
  return { nodes: [word, latex, python, code], code: popup.node, draw };
}

/** Says it on the button for a moment; its width stays. */
function flash(trigger: HTMLButtonElement, registry: Registry): void {
  if (trigger.dataset.done) return;
  const label = trigger.firstElementChild!;
  const name = label.textContent!;
  trigger.style.minWidth = `${trigger.offsetWidth}px`;
  trigger.dataset.done = "true";
  setText(label, "Copied");
  registry.timeout(() => {
    trigger.removeAttribute("data-done");
    setText(label, name);
  }, 1200);
}

/** A press outside closes it. Within the explorer it does nothing else: neither it nor its click reaches what lies beneath. */
function closeOutside(node: HTMLElement, close: () => void, registry: Registry): void {
  let closing = false;
  const swallow = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  registry.listen(
    document,
    "pointerdown",
    (event) => {
      const path = event.composedPath();
      const outside = !node.hidden && !path.includes(node);
      closing = outside && path.includes(node.closest(".kanwidget")!);
      if (outside) close();
      if (closing) swallow(event);
    },
    { capture: true },
  );
  registry.listen(
    document,
    "click",
    (event) => {
      if (closing) swallow(event);
      closing = false;
    },
    { capture: true },
  );
}

/** Text to read and to copy by hand. */
function codePopup(_: Context, registry: Registry) {
  const title = h("b");
  const text = h("pre", { tabindex: 0 });
  const copy = button({ action: "copy-again", label: "Copy" });
  const close = iconButton("close-code", "Close", "close");
  const node = h(
    "div",
    { class: "kw-code kw-box kw-pop kw-col", role: "dialog", "aria-label": "Code", hidden: true },
    h("div", { class: "kw-row" }, title, h("span", { class: "kw-row kw-end" }, copy, close)),
    text,
  );
  let opener: Element | null = null;
  const hide = () => {
    const inside = node.contains(activeIn(node));
    node.hidden = true;
    if (inside) (opener as HTMLElement | null)?.focus();
  };
  registry.listen(close, "click", hide);
  registry.listen(copy, "click", async () => {
    if (await copyText(text.textContent ?? "")) flash(copy, registry);
    else getSelection()?.selectAllChildren(text);
  });
  closeOutside(node, hide, registry);
  onKey(registry, node, (event) => {
    if (event.key !== "Escape") return false;
    hide();
    return true;
  });
  const show = (content: string, name: string) => {
    setText(title, name);
    setText(text, content);
    if (node.hidden) opener = activeIn(node);
    node.hidden = false;
    text.focus();
    // The latest act is of interest.
    text.scrollTop = text.scrollHeight;
  };
  return { node, show, close: hide, open: () => !node.hidden };
}
