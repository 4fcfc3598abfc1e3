// Tabs over panels that share one space. Only the open panel is drawn.
import { AS_TRAINED } from "../formula/choice";
import { FORMS } from "../formula/forms-panel";
import { type Saved, saveMenu } from "../menus/save-menu";
import type { Panel } from "../protocol/messages";
import type { Context, View } from "../state/context";
import { EVERYTHING, touches } from "../state/topics";
import { attrs, h, setText } from "../ui/dom";
import { onKey } from "../ui/keys";
import { Registry } from "../ui/listeners";

export interface Tab {
  name: string;
  label: string | ((context: Context) => string);
  make(context: Context): View;
  /** Its panel, which the kernel computes only while the tab is open. */
  panel?: Panel;
  /** It is drawn without its panel, too. */
  bare?: true;
  /** It compares states: hidden on a saved page with a single one. */
  compares?: true;
  /** The kernel's name for what it saves: figures and a table, or a table alone. */
  saves?: string;
  noFigure?: true;
  /** It needs more height than the curves. */
  tall?: true;
}

/** The panels that the kernel is to compute: that of the open tab, and the forms while another one than the formula as trained is chosen. */
function openPanels(tab: Tab | undefined, form: string): string[] {
  const open = tab?.panel?.name;
  const forms = form === AS_TRAINED ? undefined : FORMS.name;
  return [...new Set([open, forms])].filter((name) => name !== undefined);
}

const wordOf = (context: Context, label: Tab["label"]) => (typeof label === "string" ? label : label(context));

const savedBy = (context: Context, list: readonly Tab[]): Saved | null => {
  const { saves, label, noFigure } = list.find(({ name }) => name === context.ui.values.tab) ?? {};
  return saves ? { panel: saves, label: wordOf(context, label!), noFigure } : null;
};

/** A saved page has no kernel to ask. */
const isPresent = ({ act, store }: Context, { panel, bare, compares }: Tab): boolean =>
  !act.isSavedPage ||
  ((!panel || bare || store.panel(panel) !== undefined) && (!compares || store.state.history.states.length > 1));

/** Another problem begins with its errors. */
function leaveOnLoad({ store, ui }: Context): () => void {
  let { preset } = store.state.settings;
  return () => {
    const before = preset;
    preset = store.state.settings.preset;
    if (before && preset !== before) ui.set("tab", "curves");
  };
}

export function tabs(context: Context, list: readonly Tab[]): View {
  const { ui, uid, act, store } = context;
  const registry = new Registry();
  const present = (tab: Tab) => isPresent(context, tab);
  const views = list.map(({ make }) => make(context));
  const buttons = list.map(({ name, label }, i) => {
    const view = views[i]!;
    view.node.setAttribute("role", "tabpanel");
    view.node.id = `${uid}-panel-${name}`;
    const tab = h(
      "button",
      {
        type: "button",
        role: "tab",
        class: "kw-tab kw-bare kw-dim",
        "aria-controls": view.node.id,
        "data-kw-tab": name,
      },
      wordOf(context, label),
    );
    registry.listen(tab, "click", () => ui.set("tab", name));
    return tab;
  });
  const strip = h("div", { class: "kw-row kw-fill", role: "tablist", "aria-label": "Data" }, ...buttons);
  const save = saveMenu(context, registry, () => savedBy(context, list));
  onKey(registry, strip, (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return false;
    const open = list.filter(present);
    const at = open.findIndex(({ name }) => name === ui.values.tab);
    const next = open[(at + move + open.length) % open.length]!;
    ui.set("tab", next.name);
    buttons[list.indexOf(next)]!.focus();
    return true;
  });
  const head = h("div", { class: "kw-row kw-tabs" }, strip, save.node);
  const node = h("div", { class: "kw-col kw-tabbed" }, head, ...views.map((view) => view.node));
  const leave = leaveOnLoad(context);
  let watched = "";
  let helloCount = 0;
  const watch = (...panels: string[]) => {
    if (panels.join() === watched || !act.hasKernel) return;
    act.send({ kind: "watch", panels });
    watched = panels.join();
  };
  const draw: View["draw"] = (topics) => {
    const switched = touches(topics, "view");
    leave();
    // After a loss or a `hello_ack` the kernel has no open panels.
    if (store.helloCount !== helloCount) watched = "";
    helloCount = store.helloCount;
    const openTab = list.find(({ name }) => name === ui.values.tab);
    attrs(node, { "data-tall": openTab?.tall });
    if (switched || touches(topics, "link")) save.draw();
    watch(...openPanels(openTab, ui.values.form));
    views.forEach((view, i) => {
      const open = list[i]!.name === ui.values.tab;
      buttons[i]!.hidden = !present(list[i]!);
      setText(buttons[i]!, wordOf(context, list[i]!.label));
      attrs(buttons[i]!, { "aria-selected": String(open), tabindex: open ? 0 : -1 });
      (view.node as HTMLElement).hidden = !open;
      if (open) view.draw(switched ? EVERYTHING : topics);
    });
  };
  const destroy = () => {
    watch();
    for (const view of views) view.destroy();
    registry.destroy();
  };
  return { node, draw, destroy };
}
