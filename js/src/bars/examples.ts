// The gallery of examples: the problems of the demo with their formulas, a line about each.
import type { Context } from "../state/context";
import { button } from "../ui/controls";
import { type Dialog, dialog } from "../ui/dialog";
import { attrs, h } from "../ui/dom";

export const examples = ({ store, act }: Context, root: () => HTMLElement): Dialog =>
  dialog(root, "examples", "Examples", (registry, close) => {
    const cards = store.state.examples.map(({ name, formula, line }) => {
      const load = button({ action: "load-example", label: "Load", small: true });
      attrs(load, { "data-kw-example": name, "aria-label": `Load ${name}` });
      registry.listen(load, "click", () => {
        act.send({ kind: "preset", name });
        close();
      });
      return h(
        "article",
        { class: "kw-box kw-example" },
        h("h3", {}, name),
        h("p", { class: "kw-example-formula" }, formula),
        h("p", { class: "kw-dim" }, line),
        load,
      );
    });
    return h("div", { class: "kw-examples" }, ...cards);
  });
