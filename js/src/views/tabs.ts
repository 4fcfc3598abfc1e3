// Tabs over panels that share one place. Only the open one is drawn.
import type { Context, View } from "../context";
import { attrs, h } from "../dom";
import { Registry } from "../listeners";
import { EVERYTHING, touches } from "../topics";

interface Tab {
  name: string;
  label: string;
  view: View;
}

export function tabs({ ui, uid }: Context, list: Tab[]): View {
  const registry = new Registry();
  const buttons = list.map(({ name, label, view }) => {
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
      label,
    );
    registry.listen(tab, "click", () => ui.set("tab", name));
    return tab;
  });
  const strip = h("div", { class: "kw-row kw-tabs", role: "tablist", "aria-label": "Data" }, ...buttons);
  registry.listen(strip, "keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    const at = list.findIndex(({ name }) => name === ui.values.tab);
    const next = (at + move + list.length) % list.length;
    ui.set("tab", list[next]!.name);
    buttons[next]!.focus();
    event.preventDefault();
  });
  const node = h("div", { class: "kw-col kw-tabbed" }, strip, ...list.map(({ view }) => view.node));
  const draw: View["draw"] = (topics) => {
    const switched = touches(topics, "view");
    list.forEach(({ name, view }, i) => {
      const open = name === ui.values.tab;
      attrs(buttons[i]!, { "aria-selected": String(open), tabindex: open ? 0 : -1 });
      (view.node as HTMLElement).hidden = !open;
      if (open) view.draw(switched ? EVERYTHING : topics);
    });
  };
  const destroy = () => {
    for (const { view } of list) view.destroy();
    registry.destroy();
  };
  return { node, draw, destroy };
}
