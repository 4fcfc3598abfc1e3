// The toolbar: run, undo, settings, and the status of the training.
import type { Context, View } from "../state/context";
import { type Topics, touches } from "../state/topics";
import { number } from "../text/format";
import { WORDS } from "../text/words";
import { button, iconButton } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { setIcon } from "../ui/icons";
import { Registry } from "../ui/listeners";
import { GRID_VALUES, LAMB_VALUES, type Slider, slider } from "../ui/slider";
import { restartMenu } from "./restart";

export function toolbar(context: Context): View {
  const registry = new Registry();
  const run = runButtons(context, registry);
  const settings = settingControls(context, registry);
  const keys = iconButton("keys", "Keys", "help", { title: "Keys (?)" });
  const node = h(
    "div",
    { class: "kw-row kw-toolbar", role: "group", "aria-label": "Training" },
    run.node,
    ...settings.nodes,
    keys,
  );
  const parts = [run, settings];
  return {
    node,
    draw: (topics) => {
      for (const part of parts) part.draw(topics);
    },
    destroy: () => registry.destroy(),
  };
}

function runButtons(context: Context, registry: Registry) {
  const { act, store, ui } = context;
  const restart = restartMenu(context);
  registry.add(() => restart.destroy());
  const run = button({
    action: "start",
    label: "Start",
    icon: "play",
    attrs: { style: "width:92px" },
  });
  const step = iconButton("step", "One step", "step");
  const reset = iconButton("reset", "Start again from the same seed", "reset");
  const undo = iconButton("undo", "Undo", "undo");
  const redo = iconButton("redo", "Redo", "redo");
  registry.listen(run, "click", () => act.toggleRun());
  registry.listen(step, "click", () => act.control("step"));
  registry.listen(reset, "click", () => act.control("reset"));
  registry.listen(undo, "click", () => act.undo());
  registry.listen(redo, "click", () => act.redo());
  const separator = h("span", { style: "width:10px", "aria-hidden": "true" });
  const node = h("div", { class: "kw-row" }, run, step, reset, restart.node, separator, undo, redo);
  const draw = (topics: Topics) => {
    restart.draw(topics);
    if (!touches(topics, "status", "link", "stopping", "history")) return;
    node.hidden = act.isSavedPage;
    const { running } = store;
    const { history, status } = store.state;
    const disabled = !act.hasKernel;
    const stopping = running && ui.values.stopping !== null;
    attrs(run, {
      "data-kw-action": running ? "pause" : "start",
      disabled,
      "aria-busy": stopping ? "true" : null,
    });
    setIcon(run, running ? "pause" : "play");
    setText(
      run.lastElementChild!,
      stopping ? "Stopping…" : !running ? "Start" : (status.process ?? status.task) ? "Stop" : "Pause",
    );
    attrs(step, { disabled: disabled || running });
    attrs(reset, { disabled });
    attrs(undo, { disabled: disabled || !history.can_undo, title: undoTitle(history) });
    attrs(redo, { disabled: disabled || !history.can_redo });
  };
  return { node, draw };
}

function undoTitle(history: Context["store"]["state"]["history"]): string {
  const current = history.states.find((item) => item.id === history.current);
  return current && history.can_undo ? `Undo: ${current.label}` : "Undo";
}

function settingControls(context: Context, registry: Registry) {
  const { act, store, uid } = context;
  const lamb = slider(
    {
      name: "lamb",
      label: WORDS.lamb,
      title: "Weight of the penalty that makes needless edges fade",
      values: LAMB_VALUES,
      uid,
      format: (value) => number(value, 3),
      allows: (value) => value >= 0 && value <= 10,
      range: "0 to 10",
      commit: (value) => act.send({ kind: "set", settings: { lamb: value } }),
    },
    registry,
  );
  const grid = slider(
    {
      name: "grid",
      label: WORDS.grid,
      title: "Intervals of every spline; applied at the next step",
      values: GRID_VALUES,
      uid,
      format: String,
      allows: (value) => Number.isInteger(value) && value >= 1 && value <= 200,
      range: "1 to 200 intervals",
      commit: (value) => act.send({ kind: "set", settings: { grid: value } }),
    },
    registry,
  );
  const optimizer = optimizerSelect(context, registry);
  const sliders: [Slider, "lamb" | "grid"][] = [
    [lamb, "lamb"],
    [grid, "grid"],
  ];
  const nodes = [lamb.node, grid.node, optimizer.node];
  // Text instead of controls on a saved page.
  const facts = h("span", { class: "kw-dim" });
  const draw = (topics: Topics) => {
    if (!touches(topics, "settings", "link")) return;
    for (const node of nodes) node.hidden = act.isSavedPage;
    facts.hidden = !act.isSavedPage;
    const { settings } = store.state;
    setText(facts, `λ ${number(settings.lamb, 3)} · grid ${settings.grid} · ${settings.opt}`);
    for (const [item, name] of sliders) {
      item.accept(settings[name], store.lastAck);
      item.disable(!act.hasKernel);
    }
    optimizer.draw();
  };
  return { nodes: [...nodes, facts], draw };
}

function optimizerSelect({ act, store }: Context, registry: Registry) {
  const node = h("select", {
    class: "kw-box kw-input",
    "aria-label": "Optimizer",
    title: "Optimizer",
    "data-kw-control": "opt",
  });
  registry.listen(node, "change", () => act.send({ kind: "set", settings: { opt: node.value } }));
  let listed = "";
  const draw = () => {
    const { opt, opts } = store.state.settings;
    const names = opts.includes(opt) ? opts : [opt, ...opts];
    if (names.join() !== listed) {
      listed = names.join();
      node.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    }
    node.value = opt;
    attrs(node, { "data-kw-value": opt, disabled: !act.hasKernel });
  };
  return { node, draw };
}
