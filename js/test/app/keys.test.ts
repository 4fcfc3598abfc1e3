// The sheet of keys, and Escape on the way out.
import { describe, expect, it } from "vitest";
import { KEYS } from "../../src/ui/key-table";
import { mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10 });
const sheet = () => view.root.querySelector<HTMLDialogElement>('dialog[data-kw-dialog="keys"]');

describe("the sheet of keys", () => {
  it("is made when it is first asked for, and lists every row of the table", () => {
    expect(sheet()).toBe(null);
    view.key(view.root, "?", { shiftKey: true });
    expect(sheet()!.open).toBe(true);
    for (const { text } of Object.values(KEYS)) expect(sheet()!.textContent).toContain(text);
    expect(sheet()!.querySelectorAll(".kw-key-names").length).toBe(Object.keys(KEYS).length);
  });

  it("opens by its button, closes by Escape, and Space in it starts nothing", () => {
    view.click('[data-kw-action="keys"]');
    expect(sheet()!.open).toBe(true);
    view.key(sheet()!, " ");
    expect(view.commands("control")).toEqual([]);
    view.key(sheet()!, "Escape");
    expect(sheet()!.open).toBe(false);
    view.click('[data-kw-action="keys"]');
    view.click('[data-kw-action="close-keys"]');
    expect(sheet()!.open).toBe(false);
  });
});

describe("Escape", () => {
  const cell = () => {
    const node = document.createElement("div");
    node.tabIndex = -1;
    view.host.replaceWith(node);
    node.append(view.host);
    return node;
  };

  it("deselects first, then gives the focus back to the notebook's cell", () => {
    const node = cell();
    view.click('[data-kw-edge="0-0-1"]');
    const edge = view.find('[data-kw-edge="0-0-1"]');
    edge.focus();
    view.key(edge, "Escape");
    expect(view.explorer.store.state.selection.edges).toEqual([]);
    expect(view.root.contains(document.activeElement)).toBe(true);
    view.key(document.activeElement!, "Escape");
    expect(document.activeElement).toBe(node);
    node.replaceWith(view.host);
  });

  it("in a field takes back what was typed, then leaves", () => {
    const node = cell();
    const field = view.find<HTMLInputElement>('[data-kw-field="lamb"]');
    const before = field.value;
    field.focus();
    field.value = "nonsense";
    view.key(field, "Escape");
    expect([field.value, document.activeElement]).toEqual([before, field]);
    view.key(field, "Escape");
    expect(document.activeElement).toBe(node);
    node.replaceWith(view.host);
  });
});
