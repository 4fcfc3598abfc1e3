// The form in which the formula is shown: as trained, or one that the kernel works out when it is chosen.

import type { Context } from "../state/context";
import type { Store } from "../state/store";
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
    {
      constants: trained?.constants ?? [],
      meaning: trained?.meaning ?? "",
      verdict: "",
      ...formula,
      name: AS_TRAINED,
      error,
    },
    ...computed.filter((form) => form !== trained),
  ];
}

/** Whether the kernel has worked out all forms of the network as it is. */
export const isComplete = ({ store }: Context): boolean => {
  const panel = store.panel(FORMS)?.payload;
  return panel?.current === true && !panel.busy;
};

/** The chosen form; while it is still to come the one as trained, and where there is none the fitted one. */
export function chosenForm(context: Context): Form {
  const forms = allForms(context);
  const named = (wanted: string) => forms.find(({ name }) => name === wanted);
  return named(context.ui.values.form) ?? (isComplete(context) ? named(FITTED) : undefined) ?? forms[0]!;
}

/** `expanded · test RMSE 0.0124`, of the rows whose error the status has. */
const costText = ({ name, error }: Form, { state: { settings, status } }: Store): string =>
  error === null ? name : `${name} · ${status.test === null ? "" : "test "}${settings.loss} ${number(error)}`;

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
    const panel = store.panel(FORMS)?.payload;
    const forms = new Map(allForms(context).map((form) => [form.name, form]));
    for (const [name, option] of options) {
      const form = forms.get(name);
      const missing = panel?.busy ? `${name} …` : isComplete(context) ? `${name} · none` : name;
      setText(option, form ? costText(form, store) : missing);
      attrs(option, { disabled: !form && isComplete(context) });
    }
    select.value = ui.values.form;
    attrs(select, { "data-kw-value": ui.values.form, "aria-busy": panel?.busy ? "true" : null });
    select.hidden = act.isSavedPage && !panel;
  };
  return { node: select, draw };
}
