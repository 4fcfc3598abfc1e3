// Restart with other settings: seed, label noise, minibatch, problem.

import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { chooser } from "../ui/chooser";
import { button } from "../ui/controls";
import { activeIn, attrs, h } from "../ui/dom";
import { onKey } from "../ui/keys";
import { Registry } from "../ui/listeners";
import { type Slider, slider } from "../ui/slider";

/** Sizes of a minibatch: powers of two from 8, then all rows. */
export const batchValues = (rows: number): number[] => [
  ...Array.from({ length: 30 }, (_, i) => 8 * 2 ** i).filter((n) => n < rows),
  rows,
];

export function restartMenu(context: Context): View {
  const registry = new Registry();
  const { store, act } = context;
  const opener = button({
    label: "Start again with…",
    icon: "down",
    iconOnly: true,
    attrs: { "aria-haspopup": "dialog", "aria-expanded": "false", "data-kw-menu": "again" },
  });
  const seed = seedField(context, registry);
  const data = dataSliders(context, registry);
  // Arrow keys step through a closed list, so a choice alone must not restart the training.
  let chosen: number | null = null;
  const presets = chooser("preset", "Problem", registry, (i) => {
    chosen = i;
    offer();
  });
  const load = button({ action: "load-preset", label: "Load", title: "Start again with this problem" });
  const offer = () => attrs(load, { disabled: !act.hasKernel || chosen === null });
  registry.listen(load, "click", () => {
    act.send({ kind: "preset", name: store.state.settings.presets![chosen!]! });
    chosen = null;
  });
  const problem = h("div", { class: "kw-row" }, presets.node, load);
  const pop = h(
    "div",
    { class: "kw-again kw-box kw-pop", role: "dialog", "aria-label": "Start again", hidden: true },
    seed.node,
    h("h2", {}, "Training data"),
    data.node,
    problem,
    h("p", { class: "kw-fine kw-dim" }, "Starting again can be undone."),
  );
  const node = h("div", { class: "kw-anchor" }, opener, pop);
  opening(node, opener, pop, registry);
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "settings", "link", "view")) return;
    const { presets: names = [], preset } = store.state.settings;
    attrs(opener, { disabled: !act.hasKernel });
    seed.draw();
    data.draw();
    presets.set(
      names.map((name, i) => [i, name]),
      chosen ?? names.indexOf(preset ?? ""),
    );
    problem.hidden = presets.node.hidden;
    offer();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

/** Opens by its button; closes by the button, Escape, and focus elsewhere. */
function opening(node: HTMLElement, opener: HTMLElement, pop: HTMLElement, registry: Registry): void {
  const open = (yes: boolean) => {
    pop.hidden = !yes;
    attrs(opener, { "aria-expanded": String(yes) });
    if (!yes) return;
    const right = node.closest(".kw-frame")?.getBoundingClientRect().right ?? 0;
    pop.style.left = `${Math.min(0, right - node.getBoundingClientRect().left - pop.offsetWidth - 10)}px`;
    pop.querySelector("button")!.focus();
  };
  registry.listen(opener, "click", () => open(pop.hidden));
  registry.listen(node, "focusout", (event) => {
    if (!node.contains(event.relatedTarget as Node | null)) open(false);
  });
  // A press on text or buttons must not take the focus from the fields: the popup would close.
  registry.listen(pop, "mousedown", (event) => {
    if (!(event.target as Element).closest("input, select")) event.preventDefault();
  });
  onKey(registry, node, (event) => {
    if (event.key !== "Escape" || pop.hidden) return false;
    opener.focus();
    open(false);
    return true;
  });
}

function seedField({ store, act, uid }: Context, registry: Registry) {
  const field = h("input", {
    id: `${uid}-seed`,
    class: "kw-box kw-input kw-field",
    inputmode: "numeric",
    autocomplete: "off",
    "data-kw-control": "seed",
  });
  const start = button({ action: "reset-seed", label: "Start again", primary: true });
  const newSeed = button({ action: "new-seed", label: "New seed", title: "Another random start" });
  const node = h("div", { class: "kw-row" }, start, h("label", { for: field.id }, "seed"), field, newSeed);
  const go = () => {
    const good = /^\d{0,9}$/.test(field.value);
    attrs(field, { "aria-invalid": good ? null : "true" });
    if (good) act.send({ kind: "control", action: "reset", ...(field.value && { seed: Number(field.value) }) });
  };
  registry.listen(start, "click", go);
  registry.listen(newSeed, "click", () => {
    field.value = String(Math.floor(Math.random() * 10000));
    go();
  });
  registry.listen(field, "keydown", (event) => {
    if (event.key === "Enter") go();
  });
  let lastSeed: string | number | null = null;
  const draw = () => {
    const seed = store.state.settings.seed ?? "";
    for (const control of [field, start, newSeed]) attrs(control, { disabled: !act.hasKernel });
    attrs(field, { "data-kw-value": seed });
    // A typed seed stays until the kernel sends another seed.
    if (field === activeIn(field) || seed === lastSeed) return;
    field.value = String(seed);
    lastSeed = seed;
  };
  return { node, draw };
}

/** Label noise, and the number of rows per step. */
function dataSliders({ store, act, uid }: Context, registry: Registry) {
  const node = h("div");
  let sliderRegistry = new Registry();
  registry.add(() => sliderRegistry.destroy());
  let rows = -1;
  let sliders: Slider[] = [];
  const build = () => {
    sliderRegistry.destroy();
    sliderRegistry = new Registry();
    const noise = slider(
      {
        name: "noise",
        label: "Noise",
        title: "Noise on the labels, in % of their spread; test data stay as they are",
        values: Array.from({ length: 51 }, (_, i) => i),
        format: (value) => `${Math.round(value)} %`,
        parse: Number.parseFloat,
        allows: (value) => value >= 0 && value <= 1000,
        commit: (value) => act.send({ kind: "set", settings: { noise: value / 100 } }),
        uid,
      },
      sliderRegistry,
    );
    const batch = slider(
      {
        name: "batch",
        label: "Rows a step",
        title: "How many rows every step looks at: fewer are quicker and noisier",
        values: batchValues(rows),
        format: (value) => (value >= rows ? "all" : String(value)),
        parse: (text) => (text === "all" ? rows : Number(text)),
        allows: (value) => Number.isInteger(value) && value > 0,
        commit: (value) => act.send({ kind: "set", settings: { batch: value >= rows ? null : value } }),
        uid,
      },
      sliderRegistry,
    );
    sliders = [noise, batch];
    node.replaceChildren(noise.node, batch.node);
  };
  const draw = () => {
    const { batch, noise = 0, rows: rowCount = 0 } = store.state.settings;
    if (rowCount !== rows) {
      rows = rowCount;
      build();
    }
    [Number((100 * noise).toPrecision(12)), batch ?? rows].forEach((value, i) => {
      sliders[i]!.accept(value, store.lastAck);
      sliders[i]!.disable(!act.hasKernel);
    });
  };
  return { node, draw };
}
