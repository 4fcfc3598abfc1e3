// The sheet of keys behind "?".
import { type Dialog, dialog } from "../ui/dialog";
import { h } from "../ui/dom";
import { KEYS, type KeyRow } from "../ui/key-table";

const ROWS: readonly KeyRow[] = Object.values(KEYS);

export const keySheet = (root: () => HTMLElement): Dialog =>
  dialog(root, "keys", "Keys", () => {
    const places = [...new Set(ROWS.map(({ where }) => where))];
    return h(
      "div",
      { class: "kw-key-sheet" },
      ...places.flatMap((place) => [
        h("h3", { class: "kw-dim kw-fine" }, place),
        ...ROWS.filter(({ where }) => where === place).map(row),
      ]),
      h("p", { class: "kw-dim kw-fine" }, "All other shortcuts, such as Ctrl S and Shift Enter, stay the notebook's."),
    );
  });

const row = ({ keys, text }: KeyRow): HTMLElement =>
  h(
    "div",
    { class: "kw-row" },
    h("span", { class: "kw-key-names" }, ...keys.split(" ").map((key) => h("kbd", {}, key))),
    text,
  );
