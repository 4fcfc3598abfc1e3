// The formula tab: every form in full, with the error that it costs and its constants.

import { allForms } from "../formula/choice";
import { constantsList } from "../formula/constants";
import { FORMS, type Form } from "../formula/forms-panel";
import { output } from "../formula/output";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { number, valuesInLine } from "../text/format";
import { attrs, h, setChildren, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

export function formulaTab(context: Context): View {
  const registry = new Registry();
  const { store, act } = context;
  const note = h("p", { class: "kw-dim kw-fine kw-more", role: "status" });
  const list = h("div", { class: "kw-forms" });
  const node = h(
    "section",
    { class: "kw-fill kw-scroll", "data-kw-panel": "forms", "aria-label": "Forms of the formula" },
    list,
    note,
  );
  const rows = new Map<string, ReturnType<typeof formRow>>();
  const draw: View["draw"] = (topics) => {
    for (const row of rows.values()) row.output.draw(topics);
    if (!touches(topics, "formula", "panels", "status", "settings", "link", "view")) return;
    const forms = allForms(context);
    for (const form of forms) {
      if (!rows.has(form.name)) rows.set(form.name, formRow(context, registry, form.name));
      rows.get(form.name)!.write(form);
    }
    setChildren(
      list,
      forms.map(({ name }) => rows.get(name)!.node),
    );
    setText(note, act.hasKernel ? noteText(context) : "");
  };
  return { node, draw, destroy: () => registry.destroy() };

  function noteText({ store }: Context): string {
    const panel = store.panel(FORMS)?.payload;
    if (store.running) return "Other forms are worked out when the training pauses.";
    return panel && !panel.busy ? "" : "Working out other forms…";
  }

  function formRow(context: Context, registry: Registry, name: string) {
    const title = h("b", {}, name);
    const cost = h("span", { class: "kw-dim" });
    let latex = "";
    const written = output(context, registry, () => latex);
    attrs(written.node, { "aria-label": `Formula, ${name}` });
    const constants = constantsList();
    const meaning = h("p", { class: "kw-dim kw-lines" });
    const row = h(
      "div",
      { "data-kw-form": name },
      h("div", { class: "kw-row kw-facts" }, title, cost),
      written.node,
      constants.node,
      meaning,
    );
    const write = (form: Form) => {
      latex = form.latex;
      const loss = store.state.settings.loss;
      const error = form.error === null ? "" : `${loss} ${number(form.error)}`;
      setText(cost, [error, form.verdict].filter(Boolean).join(" · "));
      written.write(form.outputs);
      constants.write(form);
      setText(meaning, valuesInLine(form.meaning));
      attrs(row, { "data-kw-text": form.text });
    };
    return { node: row, output: written, write };
  }
}
