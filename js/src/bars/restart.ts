// The problem and its data: its name on screen, and behind it the examples, label noise, minibatch and seed.

import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { called } from "../text/names";
import { takes, typedNumber, WORDS } from "../text/words";
import { CheckedField } from "../ui/checked-field";
import { button } from "../ui/controls";
import { activeIn, attrs, h, setText } from "../ui/dom";
import { onKey } from "../ui/keys";
import { Registry } from "../ui/listeners";
import { type Slider, slider } from "../ui/slider";
import { examples } from "./examples";

/** Its name is cut rather than longer than the toolbar has room for. */
const PROBLEM = "kw-box kw-button kw-problem";

/** Sizes of a minibatch: powers of two from 8, then all rows. */
export const batchValues = (rows: number): number[] => [
  ...Array.from({ length: 30 }, (_, i) => 8 * 2 ** i).filter((n) => n < rows),
  rows,
];

export function restartMenu(context: Context): View {
  const registry = new Registry();
  const { store, act } = context;
  const opener = button({
    label: "Data",
    icon: "down",
    title: "The problem, noise, rows and seed",
    attrs: { "aria-haspopup": "dialog", "aria-expanded": "false", "data-kw-menu": "again", class: PROBLEM },
  });
  const seed = seedField(context, registry);
  const data = dataSliders(context, registry);
  const gallery = examples(context, () => node.closest<HTMLElement>(".kanwidget")!);
  registry.add(() => gallery.destroy());
  const browse = button({ action: "examples", label: "Examples…", title: "Other problems, with their formulas" });
  registry.listen(browse, "click", () => gallery.open());
  const title = h("b", { class: "kw-cut kw-fill" });
  const problem = h("div", { class: "kw-row" }, title, browse);
  const pop = h(
    "div",
    { class: "kw-again kw-box kw-pop", role: "dialog", "aria-label": "The problem", hidden: true },
    h("h2", {}, "Problem"),
    problem,
    h("h2", {}, "Training data"),
    data.node,
    h("h2", {}, "Start again"),
    seed.node,
    h("p", { class: "kw-fine kw-dim" }, "Starting again can be undone."),
  );
  const node = h("div", { class: "kw-anchor" }, opener, pop);
  opening(node, opener, pop, registry);
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "settings", "link", "view", "structure")) return;
    const name = problemName(context);
    attrs(opener, { disabled: !act.hasKernel });
    setText(opener.lastElementChild!, name);
    seed.draw();
    data.draw();
    setText(title, name);
    browse.hidden = store.state.examples.length === 0;
    attrs(browse, { disabled: !act.hasKernel });
  };
  return { node, draw, destroy: () => registry.destroy() };
}

/** The name of the example; of one's own data the names of what the network learns. */
function problemName({ store }: Context): string {
  const outputs = store.state.structure.nodes.filter(({ kind }) => kind === "output").map(({ name }) => called(name));
  return store.state.settings.preset ?? (outputs.join(", ") || "Data");
}

/** Opens by its button; closes by the button, Escape, and focus elsewhere. */
function opening(node: HTMLElement, opener: HTMLElement, pop: HTMLElement, registry: Registry): void {
  const open = (yes: boolean) => {
    pop.hidden = !yes;
    attrs(opener, { "aria-expanded": String(yes) });
    if (!yes) return;
    const right = node.closest(".kw-frame")?.getBoundingClientRect().right ?? 0;
    pop.style.left = `${Math.min(0, right - node.getBoundingClientRect().left - pop.offsetWidth - 10)}px`;
    [...pop.querySelectorAll("button")].find((item) => !item.hidden && !item.disabled)?.focus();
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
  const node = h("div", { class: "kw-row" }, start, h("label", { for: field.id }, WORDS.seed), field, newSeed);
  const checked = new CheckedField(field, registry, node);
  const inForce = () => String(store.state.settings.seed ?? "");
  const good = () => /^\d{0,9}$/.test(field.value);
  checked.listen({ read: good, inForce, complaint: takes(WORDS.seed, "a whole number of at most 9 digits") });
  const go = () => {
    if (good()) act.send({ kind: "control", action: "reset", ...(field.value && { seed: Number(field.value) }) });
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
    // Of classes a part of the rows has another one.
    const most = store.state.status.accuracy === undefined ? 1000 : 100;
    const noise = slider(
      {
        name: "noise",
        label: WORDS.noise,
        title: "Noise on the labels, in % of their spread; test data stay as they are",
        values: Array.from({ length: 51 }, (_, i) => i),
        format: (value) => `${Math.round(value)} %`,
        parse: (text) => typedNumber(text.replace("%", "")),
        allows: (value) => value >= 0 && value <= most,
        range: `0 to ${most} %`,
        commit: (value) => act.send({ kind: "set", settings: { noise: value / 100 } }),
        uid,
      },
      sliderRegistry,
    );
    const batch = slider(
      {
        name: "batch",
        label: WORDS.batch,
        title: "How many rows every step looks at: fewer are quicker and noisier",
        values: batchValues(rows),
        format: (value) => (value >= rows ? "all" : String(value)),
        parse: (text) => (text === "all" ? rows : typedNumber(text)),
        allows: (value) => Number.isInteger(value) && value > 0,
        range: `1 to ${rows}, or all`,
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
