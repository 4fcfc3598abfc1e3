// Buttons, menus and panel headings that all views share.
import { type Attrs, attrs, h } from "./dom";
import { type IconName, icon } from "./icons";
import { onKey } from "./keys";
import type { Registry } from "./listeners";

interface ButtonSpec {
  /** `data-kw-action`. */
  action?: string;
  /** Visible text; with `iconOnly`, the accessible name. */
  label: string;
  icon?: IconName;
  iconOnly?: boolean;
  title?: string;
  primary?: boolean;
  small?: boolean;
  attrs?: Attrs;
}

export function button(spec: ButtonSpec): HTMLButtonElement {
  const { action, label, iconOnly, title, primary, small } = spec;
  const looks = [primary && "kw-primary", small && "kw-small", iconOnly && "kw-square"].filter(Boolean).join(" ");
  return h(
    "button",
    {
      type: "button",
      class: `kw-box kw-button ${looks}`,
      "data-kw-action": action,
      "aria-label": iconOnly ? label : null,
      title: title ?? (iconOnly ? label : null),
      ...spec.attrs,
    },
    spec.icon ? icon(spec.icon) : null,
    iconOnly ? null : h("span", {}, label),
  );
}

/** A section with a heading line. */
export function headedSection(name: string, title: string, head: Node[]): HTMLElement {
  const line = h("div", { class: "kw-row kw-head" }, h("h2", { class: "kw-cut" }, title));
  line.append(...head);
  return h("section", { class: `kw-col kw-${name}`, "data-kw-panel": name, "aria-label": title }, line);
}

/** A button that opens a small list of buttons above itself; `fill` replaces them. */
export function menu(label: string, name: string, registry: Registry) {
  let items: HTMLButtonElement[] = [];
  const opener = button({
    label,
    icon: "export",
    attrs: { "aria-haspopup": "menu", "aria-expanded": "false", "data-kw-menu": name },
  });
  const list = h("div", { class: "kw-menu kw-box kw-pop", role: "menu", "aria-label": label, hidden: true });
  const node = h("div", { class: "kw-anchor" }, opener, list);
  const open = (yes: boolean) => {
    list.hidden = !yes;
    opener.setAttribute("aria-expanded", String(yes));
    if (yes) items[0]?.focus();
  };
  const closeMenu = () => {
    open(false);
    opener.focus();
  };
  registry.listen(opener, "click", () => open(list.hidden));
  registry.listen(list, "click", closeMenu);
  registry.listen(node, "focusout", (event) => {
    if (!node.contains(event.relatedTarget as Node | null)) open(false);
  });
  onKey(registry, node, (event) => menuKey(event, items, closeMenu));
  const fill = (entries: HTMLButtonElement[]) => {
    items = entries;
    for (const item of items) item.setAttribute("role", "menuitem");
    list.replaceChildren(...items);
  };
  return { node, fill };
}

function menuKey(event: KeyboardEvent, items: HTMLButtonElement[], close: () => void): boolean {
  const at = items.indexOf(event.target as HTMLButtonElement);
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (at < 0) return false;
  if (event.key === "Escape") close();
  else if (move) items[(at + move + items.length) % items.length]?.focus();
  else return false;
  return true;
}

/** Marks the sides of a node with hidden overflow, right or below: its border fades there. */
export function overflowHint(node: HTMLElement, registry: Registry): () => void {
  const update = () => {
    const right = node.scrollWidth - node.clientWidth - node.scrollLeft > 2;
    const below = node.scrollHeight - node.clientHeight - node.scrollTop > 2;
    attrs(node, { "data-more": right || below ? `${right ? "right" : ""} ${below ? "below" : ""}`.trim() : null });
  };
  registry.listen(node, "scroll", update);
  registry.resize(node, update);
  return update;
}
