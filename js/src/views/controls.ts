// Buttons, menus and panel headings that all views share.
import { type Attrs, h } from "../dom";
import type { Registry } from "../listeners";
import { type IconName, icon } from "./icons";

interface ButtonSpec {
  /** `data-kw-action`. */
  action?: string;
  /** Visible text; with an icon alone, the accessible name. */
  label: string;
  icon?: IconName;
  iconOnly?: boolean;
  title?: string;
  primary?: boolean;
  attrs?: Attrs;
}

export function button(spec: ButtonSpec): HTMLButtonElement {
  const { action, label, iconOnly, title, primary } = spec;
  return h(
    "button",
    {
      type: "button",
      class: `kw-button${iconOnly ? " kw-square" : ""}${primary ? " kw-primary" : ""}`,
      "data-kw-action": action,
      "aria-label": iconOnly ? label : null,
      title: title ?? (iconOnly ? label : null),
      ...spec.attrs,
    },
    spec.icon ? icon(spec.icon) : null,
    iconOnly ? null : h("span", { class: "kw-label" }, label),
  );
}

/** A panel: a section with a heading line. */
export function panel(name: string, title: string, ...head: (Node | null)[]): { node: HTMLElement; head: HTMLElement } {
  const line = h("div", { class: "kw-head" }, h("h2", {}, title), ...head);
  const node = h("section", { class: `kw-panel kw-${name}`, "data-kw-panel": name, "aria-label": title }, line);
  return { node, head: line };
}

/** A button that opens a small list of buttons above or below itself. */
export function menu(label: string, name: string, items: HTMLButtonElement[], registry: Registry): HTMLElement {
  const opener = button({
    label,
    icon: "export",
    attrs: { "aria-haspopup": "menu", "aria-expanded": "false", "data-kw-menu": name },
  });
  const list = h("div", { class: "kw-menu", role: "menu", "aria-label": label, hidden: true }, ...items);
  for (const item of items) item.setAttribute("role", "menuitem");
  const node = h("div", { class: "kw-menu-anchor" }, opener, list);
  const open = (yes: boolean) => {
    list.hidden = !yes;
    opener.setAttribute("aria-expanded", String(yes));
    if (yes) items[0]?.focus();
  };
  registry.listen(opener, "click", () => open(list.hidden));
  registry.listen(list, "click", () => open(false));
  registry.listen(node, "focusout", (event) => {
    if (!node.contains(event.relatedTarget as Node | null)) open(false);
  });
  registry.listen(node, "keydown", (event) =>
    menuKey(event, items, () => {
      open(false);
      opener.focus();
    }),
  );
  return node;
}

function menuKey(event: KeyboardEvent, items: HTMLButtonElement[], close: () => void): void {
  const at = items.indexOf(event.target as HTMLButtonElement);
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") close();
  else if (move && at >= 0) items[(at + move + items.length) % items.length]?.focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
