// Start again, and with what: beside the reset button, as the first thing that one wants to try.
import type { Context, View } from "../context";
import { activeIn, attrs, h } from "../dom";
import { thousands } from "../format";
import { Registry } from "../listeners";
import { touches } from "../topics";
import { button } from "./controls";
import { slider } from "./slider";

const NOISE_VALUES: readonly number[] = Array.from({ length: 51 }, (_, i) => i);

/** Powers of two from 8, and last all rows. */
export const batchValues = (rows: number): number[] => [
  ...Array.from({ length: 30 }, (_, i) => 8 * 2 ** i).filter((n) => n < rows),
  rows,
];

export function again(context: Context): View {
  const registry = new Registry();
  const { store, act, uid } = context;
  const opener = button({
    label: "Start again with…",
    icon: "down",
    iconOnly: true,
    attrs: { "aria-haspopup": "dialog", "aria-expanded": "false", "data-kw-menu": "again" },
  });
  const seeds = seedRow(context, registry);
  const noise = slider(
    {
      name: "noise",
      label: "Noise",
      title: "Noise on the labels, in % of their spread; test data stay as they are",
      values: NOISE_VALUES,
      format: (value) => `${Math.round(value)} %`,
      allows: (value) => value >= 0 && value <= 1000,
      commit: (value) => act.send({ kind: "set", settings: { noise: value / 100 } }),
      uid,
    },
    registry,
  );
  const batch = batchRow(context, registry);
  const presets = presetList(context, registry);
  const pop = h(
    "div",
    { class: "kw-again kw-box kw-pop", role: "dialog", "aria-label": "Start again", hidden: true },
    seeds.node,
    h("h2", {}, "Training data"),
    noise.node,
    batch.node,
    presets.node,
    h("p", { class: "kw-fine kw-dim" }, "Starting again can be undone."),
  );
  const node = h("div", { class: "kw-anchor" }, opener, pop);
  opening(node, opener, pop, registry);
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "settings", "link", "view")) return;
    const { settings } = store.state;
    attrs(opener, { disabled: !act.possible });
    noise.node.hidden = settings.noise === undefined;
    noise.accept(Math.round((settings.noise ?? 0) * 1000) / 10, store.answered);
    noise.disable(!act.possible);
    for (const part of [seeds, batch, presets]) part.draw();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

/** Opens and closes: by its button, Escape, and whatever takes the focus elsewhere. */
function opening(node: HTMLElement, opener: HTMLElement, pop: HTMLElement, registry: Registry): void {
  const open = (yes: boolean) => {
    pop.hidden = !yes;
    attrs(opener, { "aria-expanded": String(yes) });
    if (!yes) return;
    const frame = node.closest(".kw-frame")?.getBoundingClientRect();
    const left = node.getBoundingClientRect().left;
    pop.style.left = `${Math.min(0, (frame?.right ?? 1e4) - left - pop.offsetWidth - 10)}px`;
    pop.querySelector<HTMLElement>("button, input")?.focus();
  };
  registry.listen(opener, "click", () => open(pop.hidden));
  registry.listen(node, "focusout", (event) => {
    if (!node.contains(event.relatedTarget as Node | null)) open(false);
  });
  // A click on its own surface takes the focus from the fields: it must not close for that.
  registry.listen(pop, "mousedown", (event) => {
    if (!(event.target as Element).closest("button, input, label")) event.preventDefault();
  });
  registry.listen(node, "keydown", (event) => {
    if (event.key !== "Escape" || pop.hidden) return;
    open(false);
    opener.focus();
    event.preventDefault();
    event.stopPropagation();
  });
}

function seedRow({ store, act, uid }: Context, registry: Registry) {
  const field = h("input", {
    type: "text",
    inputmode: "numeric",
    id: `${uid}-seed`,
    class: "kw-box kw-input kw-field",
    autocomplete: "off",
    "data-kw-control": "seed",
  });
  const start = button({ action: "reset-seed", label: "Start again", icon: "reset", primary: true });
  const other = button({ action: "new-seed", label: "New seed", title: "Another random start" });
  const node = h(
    "div",
    { class: "kw-row" },
    start,
    h("label", { for: field.id, class: "kw-dim" }, "seed"),
    field,
    other,
  );
  const go = (text: string) => {
    const seed = Number(text);
    const good = /^\d{1,9}$/.test(text);
    attrs(field, { "aria-invalid": good || !text ? null : "true" });
    if (good) act.send({ kind: "control", action: "reset", seed });
    else if (!text) act.control("reset");
  };
  registry.listen(start, "click", () => go(field.value.trim()));
  registry.listen(other, "click", () => {
    field.value = String(Math.floor(Math.random() * 10000));
    go(field.value);
  });
  registry.listen(field, "keydown", (event) => {
    if (event.key === "Enter") go(field.value.trim());
  });
  const draw = () => {
    const seed = store.state.settings.seed ?? null;
    attrs(field, { "data-kw-value": seed, disabled: !act.possible });
    if (field !== activeIn(field)) field.value = seed === null ? "" : String(seed);
  };
  return { node, draw };
}

/** How many rows a step sees. */
function batchRow({ store, act, uid }: Context, registry: Registry) {
  const node = h("div");
  let own = new Registry();
  let rows = 0;
  let made: ReturnType<typeof slider> | null = null;
  registry.add(() => own.destroy());
  const build = () => {
    own.destroy();
    own = new Registry();
    made = slider(
      {
        name: "batch",
        label: "Rows a step",
        title: "How many rows every step looks at: fewer are quicker and noisier",
        values: batchValues(rows),
        format: (value) => (value >= rows ? "all" : thousands(value)),
        allows: (value) => Number.isInteger(value) && value >= 1,
        commit: (value) => act.send({ kind: "set", settings: { batch: value >= rows ? null : value } }),
        uid,
      },
      own,
    );
    node.replaceChildren(made.node);
  };
  const draw = () => {
    const { batch, rows: known } = store.state.settings;
    node.hidden = batch === undefined || !known;
    if (known && known !== rows) {
      rows = known;
      build();
    }
    made?.accept(batch ?? rows, store.answered);
    made?.disable(!act.possible);
  };
  return { node, draw };
}

function presetList({ store, act }: Context, registry: Registry) {
  const list = h("div", { class: "kw-row kw-facts" });
  const node = h("div", {}, h("h2", {}, "Problem"), list);
  registry.listen(list, "click", (event) => {
    const name = (event.target as Element).closest<HTMLElement>("[data-kw-preset]")?.dataset.kwPreset;
    if (name !== undefined) act.send({ kind: "preset", name });
  });
  let drawn = "";
  const draw = () => {
    const { presets = [], preset } = store.state.settings;
    node.hidden = presets.length === 0;
    const now = presets.join("\n");
    if (now !== drawn)
      list.replaceChildren(
        ...presets.map((name) => button({ label: name, small: true, attrs: { "data-kw-preset": name } })),
      );
    drawn = now;
    for (const one of list.children)
      attrs(one, { "aria-current": (one as HTMLElement).dataset.kwPreset === preset ? "true" : null });
  };
  return { node, draw };
}
