// Keys of the explorer and keys of its host: who gets which, and from where.
import { afterEach, describe, expect, it } from "vitest";
import { isHostKey } from "../../src/ui/keys";
import { mountEach } from "../support/helpers";

const view = mountEach();
const EDGE = '[data-kw-edge="0-0-0"]';
const FIELD = '[data-kw-field="lamb"]';

/** `Ctrl+Shift+z` as the properties of an event. */
const chord = (text: string): KeyboardEventInit & { key: string } => {
  const parts = text.split("+");
  const key = parts.pop() || "+";
  const [ctrlKey, metaKey, altKey, shiftKey] = ["Ctrl", "Meta", "Alt", "Shift"].map((name) => parts.includes(name));
  return { key, ctrlKey: ctrlKey!, metaKey: metaKey!, altKey: altKey!, shiftKey: shiftKey! };
};

const HOST = ["Ctrl+s", "Meta+s", "Ctrl+f", "Ctrl+b", "Ctrl+c", "Ctrl+Shift+C", "Ctrl+=", "Ctrl+-", "Ctrl+0", "Alt+1"];
const CELLS = ["Shift+Enter", "Ctrl+Enter", "Alt+Enter", "Ctrl+a", "Ctrl+Shift+ArrowUp", "F5", "F11"];
const EXPLORER = [
  "a",
  "b",
  "d",
  "x",
  "f",
  "1",
  "Shift+M",
  " ",
  "Shift+ ",
  "Enter",
  "Escape",
  "Tab",
  "ArrowDown",
  "Delete",
];
const UNDO = ["Ctrl+z", "Meta+z", "Ctrl+Shift+Z", "Shift+F10", "ContextMenu"];

describe("a key belongs", () => {
  it.each([...HOST, ...CELLS])("%s to the host", (name) => {
    expect(isHostKey(chord(name) as Required<KeyboardEventInit>)).toBe(true);
  });

  it.each([...EXPLORER, ...UNDO])("%j to the explorer", (name) => {
    expect(isHostKey(chord(name) as Required<KeyboardEventInit>)).toBe(false);
  });
});

describe.each([EDGE, FIELD])("with the focus on %s", (selector) => {
  let forget = () => {};
  afterEach(() => forget());

  /** Presses a key: whether a JupyterLab would look for a shortcut, and whether the key reached the browser. */
  const press = (name: string) => {
    const target = view.find(selector);
    const init = { ...chord(name), bubbles: true, composed: true, cancelable: true };
    const event = new KeyboardEvent("keydown", init);
    const seen = { shortcut: false, bubbled: false };
    // Lumino listens on the document, in the capture phase, and looks from the target upwards.
    const capture = () => {
      seen.shortcut = target.closest("[data-lm-suppress-shortcuts]") === null;
    };
    const bubble = () => {
      seen.bubbled = true;
    };
    document.addEventListener("keydown", capture, true);
    document.addEventListener("keydown", bubble);
    forget = () => {
      document.removeEventListener("keydown", capture, true);
      document.removeEventListener("keydown", bubble);
    };
    target.dispatchEvent(event);
    forget();
    return { ...seen, browser: !event.defaultPrevented };
  };

  it.each([...HOST, ...CELLS])("%s goes to the host and to the browser", (name) => {
    press("a");
    const sent = view.kernel.sent.length;
    expect(press(name)).toEqual({ shortcut: true, bubbled: true, browser: true });
    expect(view.kernel.sent.length).toBe(sent);
  });

  it.each([...EXPLORER, ...UNDO])("%j starts no shortcut", (name) => {
    press("Ctrl+s");
    expect(press(name).shortcut).toBe(false);
  });
});

it("a key pressed elsewhere on the page is left alone", () => {
  const field = document.createElement("input");
  document.body.append(field);
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
  expect(field.hasAttribute("data-lm-suppress-shortcuts")).toBe(false);
  field.remove();
});

it("an open menu leaves the chords of the host alone", () => {
  view.find(EDGE).dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
  const item = view.find(".kw-context [role=menuitem]");
  const event = new KeyboardEvent("keydown", { key: "s", ctrlKey: true, bubbles: true, cancelable: true });
  item.dispatchEvent(event);
  expect(event.defaultPrevented).toBe(false);
  expect(item.closest("[data-lm-suppress-shortcuts]")).toBeNull();
});
