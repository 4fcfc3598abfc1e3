// The form in which the formula is shown: as trained, or one that the kernel works out when it is chosen.

import type { Context } from "../state/context";
import { number } from "../text/format";
import { attrs, h, setText } from "../ui/dom";
import type { Registry } from "../ui/listeners";
import { FORMS, type Form } from "./forms-panel";

export const AS_TRAINED = "as trained";
/** With constants that were fitted to the data. */
export const FITTED = "rounded";
/** In the order of the kernel. */
export const FORM_NAMES = [AS_TRAINED, "expanded", "factored", FITTED] as const;

/** All forms that are there, the one as trained first. */
export function allForms({ store }: Context): Form[] {
  const { formula, status } = store.state;
  const computed = store.panel(FORMS)?.payload.forms ?? [];
  const trained = computed.find(({ name }) => name === AS_TRAINED);
  // During training the formula is sent rarely; its error follows the status line.
  const error = status.test ?? status.train;
  return [
    { constants: trained?.constants ?? [], meaning: trained?.meaning ?? "", ...formula, name: AS_TRAINED, error },
    ...computed.filter((form) => form !== trained),
  ];
}

/** In the order in which the kernel works them out: a form that is missing in the end looks like the one before. */
const WORKED_OUT = [AS_TRAINED, "expanded", "rounded", "factored"];

/** The chosen form; while it is still to come, the one as trained. */
export function chosenForm(context: Context): Form {
  const forms = allForms(context);
  const { form } = context.ui.values;
  const panel = context.store.panel(FORMS)?.payload;
  const names = panel?.current && !panel.busy ? WORKED_OUT.slice(0, WORKED_OUT.indexOf(form) + 1) : [form];
  const found = forms.filter(({ name }) => names.includes(name));
  return found.find(({ name }) => name === names.at(-1)) ?? found.at(-1) ?? forms[0]!;
}

/** `expanded · RMSE 0.0124` */
const costText = ({ name, error }: Form, loss: string): string =>
  error === null ? name : `${name} · ${loss} ${number(error)}`;

/** A list of the forms with their errors. */
export function formChooser(context: Context, registry: Registry) {
  const { ui, store, act } = context;
  const select = h("select", {
    class: "kw-box kw-input kw-form",
    "data-kw-control": "form",
    "aria-label": "Form of the formula",
  });
  registry.listen(select, "change", () => ui.set("form", select.value));
  const options = new Map(FORM_NAMES.map((name) => [name as string, h("option", { value: name }, name)]));
  select.append(...options.values());
  const draw = () => {
    for (const form of allForms(context)) {
      const option = options.get(form.name);
      if (option) setText(option, costText(form, store.state.settings.loss));
    }
    select.value = ui.values.form;
    const panel = store.panel(FORMS)?.payload;
    const chosen = options.get(ui.values.form);
    if (panel?.busy && chosen && chosenForm(context).name !== ui.values.form) setText(chosen, `${ui.values.form} …`);
    attrs(select, { "data-kw-value": ui.values.form, "aria-busy": panel?.busy ? "true" : null });
    select.hidden = act.isSavedPage && !panel;
  };
  return { node: select, draw };
}
