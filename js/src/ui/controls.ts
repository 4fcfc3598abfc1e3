// Buttons, menus and panel headings that all views share.
import { type Attrs, attrs, h } from "./dom";
import { type IconName, icon } from "./icons";
import type { Registry } from "./listeners";

interface ButtonSpec {
  /** `data-kw-action`. */
  action?: string;
  /** Visible text; with `iconOnly` the accessible name, see `iconButton`. */
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

/** A button with an icon alone; its label is its accessible name. */
export const iconButton = (action: string, label: string, icon: IconName, more?: Partial<ButtonSpec>) =>
  button({ action, label, icon, iconOnly: true, ...more });

/** A section with a heading line. */
export function headedSection(name: string, title: string, head: Node[]): HTMLElement {
  const line = h("div", { class: "kw-row kw-head" }, h("h2", { class: "kw-cut" }, title));
  line.append(...head);
  return h("section", { class: `kw-col kw-${name}`, "data-kw-panel": name, "aria-label": title }, line);
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
