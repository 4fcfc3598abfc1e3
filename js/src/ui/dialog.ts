// A dialog over the page, built when it is first opened: nobody pays for one that stays closed.
import { iconButton } from "./controls";
import { h } from "./dom";
import { onKey } from "./keys";
import { Registry } from "./listeners";

export interface Dialog {
  open(): void;
  close(): void;
  destroy(): void;
}

/** A dialog within `root` with this title; `build` makes its content, whose listeners go with the dialog. */
export function dialog(
  root: () => HTMLElement,
  name: string,
  title: string,
  build: (registry: Registry, close: () => void) => Element,
): Dialog {
  let made: { node: HTMLDialogElement; registry: Registry } | null = null;
  const close = () => made?.node.close();
  const make = () => {
    const registry = new Registry();
    const leave = iconButton(`close-${name}`, "Close", "close");
    const node = h(
      "dialog",
      { class: "kw-dialog kw-box", "aria-label": title, "data-kw-dialog": name },
      h("div", { class: "kw-row kw-dialog-head" }, h("h2", {}, title), h("span", { class: "kw-end" }, leave)),
      build(registry, close),
    );
    registry.listen(leave, "click", close);
    // A click on the dialog itself, not on its content, is one outside: the content fills it.
    registry.listen(node, "click", (event) => {
      const box = node.getBoundingClientRect();
      const outside =
        event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
      if (event.target === node && outside) close();
    });
    onKey(registry, node, (event) => {
      if (event.key !== "Escape") return false;
      close();
      return true;
    });
    root().append(node);
    return { node, registry };
  };
  return {
    open: () => {
      made ??= make();
      if (!made.node.open) made.node.showModal();
    },
    close,
    destroy: () => {
      made?.registry.destroy();
      made?.node.remove();
      made = null;
    },
  };
}
