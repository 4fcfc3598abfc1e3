// The three steps from data to a formula: a button each, the next sensible act highlighted, and a sentence why. Beside them the search
// that finds formulas by itself.
import type { Command } from "../protocol/commands";
import type { Guide } from "../protocol/messages";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { inLine } from "../text/format";
import { button } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

type Step = Guide["steps"][number];

export function steps(context: Context): View {
  const { store, act, ui } = context;
  const registry = new Registry();
  const buttons: HTMLButtonElement[] = [];
  const list = h("div", { class: "kw-row kw-steps", role: "group", "aria-label": "Steps" });
  const sentence = h("span", { class: "kw-sentence kw-fill" });
  const search = button({ label: "" });
  registry.listen(search, "click", () => {
    const { command } = store.state.guide.search!;
    act.send(command as unknown as Command);
    // What it finds is shown there.
    ui.set("tab", "discovery");
  });
  const node = h("div", { class: "kw-row kw-guide", "data-kw-panel": "steps" }, list, search, sentence);
  const build = (count: number) => {
    while (buttons.length < count) {
      const at = buttons.length;
      const item = button({ label: "" });
      registry.listen(item, "click", () => {
        const step = store.state.guide.steps[at];
        if (step) act.send(step.command as unknown as Command);
        if (step?.name !== "formula" || step.working) return;
        // What the last step finds is shown there.
        ui.set("tab", "formula");
        ui.set("awaited", true);
      });
      if (at > 0) list.append(h("span", { class: "kw-dim", "aria-hidden": "true" }, "→"));
      list.append(item);
      buttons.push(item);
    }
  };
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "guide", "link", "status")) return;
    const { guide } = store.state;
    // A saved page has the sentence where it says what was found.
    list.hidden = act.isSavedPage;
    drawSearch(search, guide.search, act);
    node.hidden = !guide.sentence;
    build(guide.steps.length);
    guide.steps.forEach((step, i) => {
      // While the kernel searches within one act it carries out nothing else.
      const hint = step.hint ?? store.state.status.task;
      drawStep(buttons[i]!, step, i, act.hasKernel && (step.working || !hint), hint);
    });
    const words = inLine(guide.sentence);
    setText(sentence, words);
    attrs(sentence, { title: words });
  };
  return { node, draw, destroy: () => registry.destroy() };
}

function drawSearch(item: HTMLButtonElement, search: Step | undefined, act: Context["act"]): void {
  item.hidden = !search || act.isSavedPage;
  if (!search) return;
  attrs(item, {
    class: "kw-box kw-button kw-step",
    "data-kw-action": "step-discover",
    title: search.hint ?? "Looks for formulas of the table by itself, beside the network",
    disabled: !act.hasKernel || search.hint !== undefined,
  });
  setText(item.lastElementChild!, `${search.working ? "❚❚ " : ""}${search.label}`);
}

function drawStep(item: HTMLButtonElement, step: Step, index: number, usable: boolean, hint: string | null): void {
  attrs(item, {
    class: `kw-box kw-button kw-step ${step.next ? "kw-primary" : ""}`,
    "data-kw-action": `step-${step.name}`,
    "data-kw-next": step.next,
    "data-done": step.done && !step.next,
    "aria-current": step.next ? "step" : null,
    title: hint,
    disabled: !usable,
  });
  const sign = step.working ? "■" : step.done && !step.next ? "✓" : index + 1;
  setText(item.lastElementChild!, `${sign} ${step.label}`);
}
