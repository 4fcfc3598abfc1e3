// The constants of a formula with their standard errors, typeset.
import { formula } from "../text/mathml";
import { h } from "../ui/dom";
import type { Form } from "./forms-panel";

export function constantsList() {
  const node = h("ul", { class: "kw-constants kw-math kw-dim", "aria-label": "Constants", hidden: true });
  let written = "[]";
  const write = ({ constants }: Pick<Form, "constants">) => {
    const json = JSON.stringify(constants);
    if (json === written) return;
    written = json;
    node.hidden = constants.length === 0;
    node.replaceChildren(...constants.map((tree) => h("li", {}, formula(tree))));
  };
  return { node, write };
}
