// The search for formulas: begin, hold, end, what it says, and its hall of fame. Pointing at a formula shows it over the data, a
// click makes it the network.
import { Stage } from "../../plot/stage";
import type { Context, View } from "../../state/context";
import { touches } from "../../state/topics";
import { inLine } from "../../text/format";
import { button } from "../../ui/controls";
import { activeIn, attrs, h, setText } from "../../ui/dom";
import { setIcon } from "../../ui/icons";
import { Registry } from "../../ui/listeners";
import { DISCOVERY, type Discovery, type HallFormula } from "./panel";
import { captions, drawPreview } from "./preview";
import { hallOfFame } from "./rows";
import { type Values, valuesOf } from "./values";

/** Seconds that a search may be given. */
const TIMES: readonly [number, string][] = [
  [20, "20 s"],
  [60, "1 min"],
  [300, "5 min"],
  [1200, "20 min"],
];

const EMPTY =
  "Find formulas looks for laws of your table by itself, from simple to accurate, and shows each over the data. " +
  "Your network stays as it is, until you click a formula.";

const LOST = "The kernel is gone: run the cell again to search anew";

export function discovery(context: Context): View {
  const registry = new Registry();
  const { store, ui } = context;
  const head = searchHead(context, registry);
  const stage = new Stage(ui, registry);
  // Long formulas scroll, so the keyboard must get there.
  const caption = h("div", {
    class: "kw-fine kw-captions",
    tabindex: 0,
    role: "group",
    "aria-label": "In the picture",
  });
  let pointed: number | null = null;
  let compared: readonly number[] = [];
  let drawn = NOTHING;
  let values: Values = { truth: new Float32Array(), x: null, of: new Map() };
  const hall = hallOfFame(context, {
    // The list stays as it is: this is called while the focus goes from row to row, and a newer list may lack the row it goes to.
    point: (id) => {
      if (pointed === id) return;
      pointed = id;
      show();
    },
    compare: (id) => {
      compared = compared.includes(id) ? compared.filter((one) => one !== id) : [...compared, id].slice(-2);
      draw(new Set(["size"] as const));
    },
  });
  const empty = h("p", { class: "kw-empty kw-dim" }, EMPTY);
  const picture = h("div", { class: "kw-col kw-hall-picture" }, stage.node, caption);
  const body = h("div", { class: "kw-fill kw-halves" }, hall.node, picture);
  const node = h(
    "section",
    { class: "kw-fill kw-col kw-discovery", "data-kw-panel": "discovery", "aria-label": "Formulas" },
    head.node,
    empty,
    body,
  );
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "panels", "size", "view", "link", "history")) return;
    const content = store.panel(DISCOVERY);
    const payload = content?.payload ?? NOTHING;
    head.draw(payload);
    if (content && payload !== drawn) values = valuesOf(payload, content.arrays);
    drawn = payload;
    compared = compared.filter((id) => values.of.has(id));
    body.hidden = payload.formulas.length === 0;
    empty.hidden = !body.hidden;
    setText(empty, payload.obstacle || EMPTY);
    hall.draw(payload, values, { compared });
    show();
  };
  const show = () => {
    const inPicture = formulasOf(drawn, pointed, compared);
    drawPreview(stage, drawn, values, inPicture);
    caption.replaceChildren(...captions(drawn, inPicture));
  };
  const destroy = () => {
    hall.destroy();
    registry.destroy();
  };
  return { node, draw, destroy };
}

/** The formulas in the picture: the one under the pointer beside one that is compared, else those that are compared, else one. */
function formulasOf(
  { formulas, current, best }: Discovery,
  pointed: number | null,
  compared: readonly number[],
): HallFormula[] {
  const rest = pointed !== null && compared.length > 1 ? [] : compared;
  const ids = [...new Set(pointed === null ? rest : [...rest, pointed])];
  const of = (id: number | null) => formulas.filter((formula) => formula.id === id);
  if (ids.length > 0) return ids.flatMap(of);
  return [...of(current), ...of(best), ...formulas.slice(-1)].slice(0, 1);
}

/** Before the first message. */
const NOTHING: Discovery = {
  state: "idle",
  sentence: "",
  findings: [],
  seconds: 0,
  of: 0,
  obstacle: "",
  formulas: [],
  best: null,
  current: null,
  error_name: "error",
  spread: null,
  target: "y",
  column: null,
};

const isBusy = ({ state }: Discovery) => state === "searching" || state === "finishing";

function searchHead({ act, store }: Context, registry: Registry) {
  const run = button({ action: "find-formulas", label: "", icon: "play", primary: true });
  const stop = button({ action: "stop-search", label: "Stop" });
  const time = h("select", {
    class: "kw-box kw-input",
    title: "Time of a search",
    "data-kw-control": "search-seconds",
  });
  time.append(...TIMES.map(([seconds, label]) => h("option", { value: seconds }, label)));
  time.value = "60";
  const bar = h("div", { class: "kw-progress", "aria-hidden": "true" });
  const sentence = h("span", { class: "kw-fill kw-sentence" });
  const findings = h("ul", { class: "kw-findings kw-dim", "aria-label": "Found out", "aria-live": "polite" });
  const controls = h("div", { class: "kw-row" }, run, stop, time);
  const line = h("div", { class: "kw-row kw-search-head" }, controls, sentence);
  let payload = NOTHING;
  registry.listen(run, "click", () => {
    const action = isBusy(payload) ? "pause" : payload.state === "paused" ? "resume" : "start";
    act.send({ kind: "discover", action, ...(action === "start" && { seconds: Number(time.value) }) });
  });
  registry.listen(stop, "click", () => act.send({ kind: "discover", action: "stop" }));
  const draw = (next: Discovery) => {
    payload = next;
    const { state, obstacle, formulas } = next;
    const lost = store.link === "lost";
    const [busy, held] = [isBusy(next) && !lost, state === "paused" && !lost];
    controls.hidden = act.isSavedPage;
    const again = formulas.length > 0 ? "Search again" : "Find formulas";
    setText(run.lastElementChild!, busy ? "Pause" : held ? "Go on" : again);
    setIcon(run, busy ? "pause" : "play");
    attrs(run, { disabled: !act.hasKernel || obstacle !== "", title: obstacle || null });
    if (!busy && !held && activeIn(stop) === stop) run.focus();
    stop.hidden = !busy && !held;
    time.hidden = busy || held;
    const clock = state === "searching" ? `${Math.floor(next.seconds)} of ${next.of} s · ` : "";
    const words = lost && formulas.length ? LOST : inLine(clock + next.sentence);
    setText(sentence, words);
    // What is tried changes all the time; what has come of it is said.
    attrs(sentence, { title: words, "aria-live": busy ? "off" : "polite" });
    bar.hidden = !busy && !held;
    bar.style.setProperty("--kw-part", String(next.of ? Math.min(1, next.seconds / next.of) : 0));
    const texts = next.findings.map(inLine);
    if (texts.join() !== [...findings.children].map((item) => item.textContent).join())
      findings.replaceChildren(...texts.map((text) => h("li", {}, text)));
    findings.hidden = texts.length === 0;
  };
  const node = h("div", { class: "kw-search" }, line, bar, findings);
  return { node, draw };
}
