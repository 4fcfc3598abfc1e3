// A labelled list of choices.
import { cutTo } from "../text/names";
import { h } from "./dom";
import type { Registry } from "./listeners";

/** A labelled list of choices; `set` renews both. */
export function chooser(name: string, label: string, registry: Registry, choose: (value: number) => void) {
  const select = h("select", { class: "kw-box kw-input kw-fill", "data-kw-control": name });
  const node = h("label", { class: "kw-row kw-choice" }, h("span", {}, label), select);
  registry.listen(select, "change", () => choose(Number(select.value)));
  let listed = "";
  const set = (options: [number, string][], value: number) => {
    const json = JSON.stringify(options);
    if (json !== listed)
      select.replaceChildren(...options.map(([key, text]) => h("option", { value: key }, cutTo(text, 240))));
    listed = json;
    select.value = String(value);
    select.dataset.kwValue = select.value;
    node.hidden = options.length < 2;
  };
  return { node, set };
}
