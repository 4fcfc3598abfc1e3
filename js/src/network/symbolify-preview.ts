// The symbolify preview: searches candidates for every edge, marks and lists the edges above the R² threshold with their
// primitives, and replaces exactly these.

import type { EdgeKey, Preview } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { endNames } from "../state/edge-text";
import { graph } from "../state/graph";
import { type Topics, touches } from "../state/topics";
import { count, pretty, rSquared, thousands } from "../text/format";
import { button } from "../ui/controls";
import { activeIn, attrs, h, setText } from "../ui/dom";
import { onKey } from "../ui/keys";
import type { Registry } from "../ui/listeners";
import { slider } from "../ui/slider";

/** 0.90 to 0.9999, finer near 1: nine steps for every nine. */
export const R2_VALUES: readonly number[] = [
  ...[2, 3, 4].flatMap((e) => Array.from({ length: 9 }, (_, i) => Number((1 - (10 - i) / 10 ** e).toFixed(e)))),
  0.9999,
];
/** Where the slider begins: the `r2_threshold` of `auto_symbolic`, which Python's `R2_THRESHOLD` is. */
export const R2_THRESHOLD = 0.9;
/** Length of the list; the drawing marks all edges. */
const MOST_ROWS = 200;

export interface SymbolifyPreview {
  opener: HTMLButtonElement;
  node: HTMLElement;
  /** Primitive by key of each edge in the preview; empty while it is closed. */
  readonly marked: ReadonlyMap<string, string>;
  draw(topics: Topics): void;
  destroy(): void;
}

interface Row {
  edge: EdgeKey;
  key: string;
  name: string;
  r2: number;
}

interface State {
  open: boolean;
  r2: number;
  rows: Row[];
  marked: Map<string, string>;
  /** `helloCount` at the last request of the preview. */
  greeted: number;
}

export function symbolifyPreview(context: Context, registry: Registry): SymbolifyPreview {
  const { act, store, ui, uid } = context;
  const state: State = { open: false, r2: R2_THRESHOLD, rows: [], marked: new Map(), greeted: 0 };
  const id = `${uid}-symbolify`;
  const opener = openerOf(id);
  const parts = previewParts(context, registry, state, (value) => {
    state.r2 = value;
    choose();
    // Redraws the marks.
    ui.touch("hover");
  });
  const node = h(
    "div",
    { id, class: "kw-symbolify kw-col", role: "group", "aria-label": "Replace splines by functions", hidden: true },
    ...parts.nodes,
  );
  const choose = () => {
    state.rows = state.open ? chosen(context, state) : [];
    state.marked = new Map(state.rows.map(({ key, name }) => [key, name]));
    parts.draw();
  };
  const ask = () => {
    state.greeted = store.helloCount;
    act.send({ kind: "survey", on: state.open });
  };
  const open = (yes: boolean) => {
    if (yes === state.open) return;
    state.open = yes;
    store.openPreview(yes);
    node.hidden = !yes;
    attrs(opener, { "aria-expanded": String(yes) });
    ask();
    choose();
    ui.touch("hover");
  };
  const close = () => {
    open(false);
    opener.focus({ preventScroll: true });
  };
  // On a narrow page clicks in the drawing scroll to the inspector, but not these.
  for (const element of [opener, node]) registry.listen(element, "click", (event) => event.stopPropagation());
  registry.listen(opener, "click", () => {
    if (state.open) return close();
    open(true);
    node.querySelector("input")?.focus({ preventScroll: true });
  });
  registry.listen(parts.cancel, "click", close);
  registry.listen(parts.apply, "click", () => {
    if (state.rows.length > 0)
      act.send({ kind: "auto", r2_threshold: state.r2, edges: state.rows.map(({ edge }) => edge) });
    close();
  });
  onEscape(node, registry, close);
  const draw = (topics: Topics) => {
    if (touches(topics, "link")) {
      opener.hidden = act.isSavedPage;
      attrs(opener, { disabled: !act.hasKernel });
    }
    if (state.open && !act.hasKernel) {
      leave(node);
      open(false);
    }
    // A kernel that sends `hello_ack` has no open preview.
    if (state.open && state.greeted !== store.helloCount) ask();
    if (state.open && touches(topics, "survey", "structure")) choose();
  };
  return {
    opener,
    node,
    get marked() {
      return state.marked;
    },
    draw,
    destroy: () => open(false),
  };
}

const openerOf = (id: string): HTMLButtonElement =>
  button({
    action: "symbolify",
    label: "Replace…",
    small: true,
    title: "Replace all splines that a function fits well; first shows which",
    attrs: { "aria-expanded": "false", "aria-controls": id },
  });

function onEscape(node: HTMLElement, registry: Registry, close: () => void): void {
  onKey(registry, node, (event) => {
    if (event.key !== "Escape") return false;
    close();
    return true;
  });
}

/** Without a kernel the opener is disabled: the focus moves to the network's tab stop. */
function leave(node: HTMLElement): void {
  if (!node.contains(activeIn(node))) return;
  node.closest(".kw-frame")?.querySelector<SVGElement>(".kw-network [tabindex='0']")?.focus();
}

/** Rows above the threshold, best first, without edges that were fixed or pruned meanwhile. */
function chosen(context: Context, state: State): Row[] {
  const { edges } = graph(context.store.state.structure);
  const rows = (context.store.state.survey?.rows ?? []).map((row) => ({ ...row, key: keyText(row.edge) }));
  const numeric = ({ key }: Row) => ["spline", "both"].includes(edges.get(key)?.state ?? "");
  return rows.filter((row) => row.name && row.r2 >= state.r2 && numeric(row)).sort((a, b) => b.r2 - a.r2);
}

function previewParts(context: Context, registry: Registry, state: State, echo: (value: number) => void) {
  const { act, ui } = context;
  const threshold = slider(
    {
      name: "r2",
      label: "R² ≥",
      title: "Replace the splines whose best function explains at least this much of them",
      values: R2_VALUES,
      uid: context.uid,
      format: String,
      allows: (value) => value >= 0 && value <= 1,
      range: "0 to 1",
      echo,
      commit: (value) => {
        threshold.accept(value, 0);
        return null;
      },
    },
    registry,
  );
  threshold.accept(state.r2, 0);
  const message = h("p", { role: "status", class: "kw-fill" });
  const progress = h("progress", { "aria-label": "Edges looked at" });
  const apply = button({ action: "symbolify-apply", label: "Replace", small: true, primary: true });
  const cancel = button({ action: "symbolify-cancel", label: "Cancel", small: true });
  const list = h("ul", { class: "kw-marks kw-scroll kw-fine", "aria-label": "Edges that would be replaced" });
  const nodes = [
    h("div", { class: "kw-row" }, threshold.node, h("span", { class: "kw-row kw-end" }, apply, cancel)),
    h("div", { class: "kw-row kw-fine kw-dim" }, message, progress),
    list,
  ];
  registry.listen(list, "pointerover", (event) => {
    ui.set("hover", (event.target as Element).closest<HTMLElement>("li")?.dataset.edge ?? null);
  });
  registry.listen(list, "pointerleave", () => ui.set("hover", null));
  const draw = () => {
    const { survey: preview } = context.store.state;
    // Screen readers announce only the end.
    const complete = preview?.busy === false;
    attrs(message, { "aria-busy": complete ? null : "true" });
    setText(message, sentence(preview, state.rows.length));
    progress.hidden = complete;
    if (preview) attrs(progress, { max: Math.max(1, preview.of), value: preview.rows.length });
    attrs(apply, { disabled: state.rows.length === 0 || !act.hasKernel });
    setText(
      apply.firstElementChild!,
      state.rows.length > 0 ? `Replace ${count(state.rows.length, "edge")}` : "Replace",
    );
    list.hidden = state.rows.length === 0;
    list.replaceChildren(...state.rows.slice(0, MOST_ROWS).map((row) => rowNode(context, row)));
  };
  return { nodes, apply, cancel, draw };
}

function rowNode({ store }: Context, { edge, key, name, r2 }: Row): HTMLElement {
  const { structure } = store.state;
  const ends = endNames(structure, edge).join(" → ");
  // The kernel lists only the first of tied edges, and fixes all of them.
  const info = graph(structure).edges.get(key);
  const tiedEdges = info?.tied === undefined ? 0 : structure.edges.filter(({ tied }) => tied === info.tied).length - 1;
  return h(
    "li",
    { class: "kw-row", "data-edge": key },
    h("span", { class: "kw-cut kw-fill", title: ends }, ends, tiedEdges > 0 ? ` + ${tiedEdges} locked` : ""),
    h("b", { class: "kw-fixed" }, pretty(name)),
    h("span", { class: "kw-dim" }, rSquared(r2)),
  );
}

/** Progress and outcome in words. */
function sentence(preview: Preview | null, marked: number): string {
  const would = marked === 0 ? "none would be replaced" : `${count(marked, "edge")} would be replaced`;
  if (!preview) return "Looking at the edges…";
  if (preview.of === 0) return "There is no spline left to replace.";
  const examined = `${thousands(preview.rows.length)} of ${count(preview.of, "edge")} looked at`;
  return preview.busy ? `${examined}: ${would} so far` : `${examined}: ${would}.`;
}
