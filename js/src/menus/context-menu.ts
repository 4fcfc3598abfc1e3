// A menu at the pointer or below the focused element.

import { type Topics, touches } from "../state/topics";
import { activeIn, attrs, h, setChildren, setText } from "../ui/dom";
import { onKey } from "../ui/keys";
import { Registry } from "../ui/listeners";

export interface Item {
  /** `data-kw-action`. */
  action: string;
  label: string;
  run(): void;
  /** Reason why the item is disabled. */
  why?: string | false | undefined;
  /** What it will bring, where that is computed. */
  note?: string | undefined;
  /** A key that does the same. */
  keys?: string;
}
/** Items; null is a separator. */
export type Entries = (Item | null)[];
export interface Content {
  entries(): Entries;
  /** Identity of the menu's subject. The menu closes when it changes. */
  subject(): string;
}

export class ContextMenu {
  #open: { node: HTMLElement; opener: Element; content: Content; subject: string; registry: Registry } | null = null;

  /** Opens at a point of the window, or below the opener. */
  open(opener: Element, at: [number, number] | null, name: string, content: Content): void {
    this.close(false);
    const frame = opener.closest(".kw-frame");
    if (!frame) return;
    const node = h("div", { class: "kw-context kw-box kw-pop kw-scroll", role: "menu", "aria-label": name });
    const registry = new Registry();
    this.#open = { node, opener, content, subject: content.subject(), registry };
    onKey(registry, node, (event) => this.#key(event));
    registry.listen(node, "click", (event) => this.#run(event.target as Element));
    registry.listen(node, "focusout", (event) => {
      if (event.relatedTarget && !node.contains(event.relatedTarget as Node)) this.close(false);
    });
    registry.listen(node.ownerDocument, "pointerdown", (event) => {
      if (!event.composedPath().includes(node)) this.close(false);
    });
    frame.append(node);
    this.#fill();
    put(node, frame, opener, at);
    items(node)[0]?.focus({ preventScroll: true });
  }

  /** Updates the items of an open menu after messages of the kernel. */
  draw(topics: Topics): void {
    if (!this.#open || !touches(topics, "structure", "candidates", "selection", "link")) return;
    // The subject has changed.
    if (this.#open.content.subject() !== this.#open.subject) this.close();
    else this.#fill();
  }

  close(restoreFocus = true): void {
    const menu = this.#open;
    if (!menu) return;
    this.#open = null;
    menu.registry.destroy();
    const frame = menu.node.parentElement;
    menu.node.remove();
    if (!restoreFocus) return;
    // The opener may be gone: the network's tab stop takes the focus then.
    const opener = menu.opener.isConnected ? menu.opener : frame?.querySelector(".kw-network [tabindex='0']");
    (opener as HTMLElement | null)?.focus({ preventScroll: true });
  }

  #fill(): void {
    const { node, content } = this.#open!;
    const old = items(node);
    const active = activeIn(node) as HTMLElement;
    const separators = [...node.querySelectorAll("[role=separator]")];
    // Items are reused: a click that spans a message of the kernel hits its first target.
    const children = content.entries().map((entry) => {
      if (!entry) return separators.shift() ?? h("div", { role: "separator" });
      const item = old.find((element) => element.dataset.kwAction === entry.action) ?? itemNode(entry);
      write(item, entry);
      return item;
    });
    setChildren(node, children);
    if (old.includes(active) && activeIn(node) !== active)
      (active.isConnected ? active : items(node)[old.indexOf(active)])?.focus({ preventScroll: true });
  }

  #run(target: Element): void {
    const action = target.closest("[role=menuitem]")?.getAttribute("data-kw-action");
    const item = this.#open?.content.entries().find((entry) => entry?.action === action);
    if (!item || item.why) return;
    this.close();
    item.run();
  }

  #key(event: KeyboardEvent): boolean {
    const all = items(this.#open!.node);
    const at = all.indexOf(activeIn(this.#open!.node) as HTMLElement);
    const move = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (move !== undefined) all.at(move % all.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (event.key.length === 1 && event.key !== " ") {
      const begins = (element: HTMLElement) => element.textContent?.toLowerCase().startsWith(event.key.toLowerCase());
      [...all.slice(at + 1), ...all.slice(0, at + 1)].find(begins)?.focus();
    } else return false; // Enter and Space press the button.
    return true;
  }
}

/** The menu that a button opens below itself. */
export function menuOf(opener: HTMLElement, registry: Registry, content: Content): ContextMenu {
  const menu = new ContextMenu();
  registry.add(() => menu.close(false));
  registry.listen(opener, "click", () => menu.open(opener, null, opener.title, content));
  return menu;
}

const items = (node: Element): HTMLElement[] => [...node.querySelectorAll<HTMLElement>("[role=menuitem]")];

const itemNode = ({ action, keys }: Item): HTMLElement =>
  h(
    "button",
    {
      type: "button",
      class: "kw-button kw-bare kw-item",
      role: "menuitem",
      tabindex: -1,
      "data-kw-action": action,
      "aria-keyshortcuts": keys,
    },
    h("span", { class: "kw-row" }, h("span", { class: "kw-fill" }), keys ? h("kbd", { class: "kw-dim" }, keys) : null),
  );

function write(node: HTMLElement, { label, why, note }: Item): void {
  const [name, reason] = node.children;
  const more = why || note;
  attrs(node, { "aria-disabled": why ? "true" : null });
  setText(name!.firstElementChild!, label);
  if (!more) reason?.remove();
  else if (reason) setText(reason, more);
  else node.append(h("span", { class: "kw-dim kw-fine" }, more));
}

/** Places the menu in the visible part of the frame, close to the requested point. */
function put(node: HTMLElement, frame: Element, opener: Element, at: [number, number] | null): void {
  const [box, from] = [frame.getBoundingClientRect(), opener.getBoundingClientRect()];
  const [x, y] = at ?? [from.left + Math.min(from.width, 40) / 2, from.bottom + 2];
  const within = (value: number, size: number, room: number) => Math.max(4, Math.min(value, room - size - 4));
  node.style.left = `${within(x - box.left, node.offsetWidth, frame.clientWidth) + frame.scrollLeft}px`;
  node.style.top = `${within(y - box.top, node.offsetHeight, frame.clientHeight) + frame.scrollTop}px`;
}

export const NO_KERNEL = "the kernel is gone";
