// Arrangement of the panels.

import { errors } from "../bars/errors";
import { formulaBar } from "../bars/formula";
import { history } from "../bars/history";
import { liveRegion } from "../bars/live-region";
import { toolbar } from "../bars/toolbar";
import { inspector } from "../inspector/inspector";
import { network } from "../network/network";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { PANELS, TABS } from "../tabs/table";
import { tabs } from "../tabs/tabs";
import { attrs, h } from "../ui/dom";
import { Registry } from "../ui/listeners";

export function shell(context: Context, root: HTMLElement): View {
  const registry = new Registry();
  context.store.panels = PANELS;
  const bar = toolbar(context);
  const trouble = errors(context);
  const drawing = network(context);
  const data = tabs(context, TABS);
  const detail = inspector(context);
  const formula = formulaBar(context);
  const historyStrip = history(context);
  const speech = liveRegion(context);
  const right = h("div", { class: "kw-col kw-right" }, data.node, detail.node);
  const body = h("div", { class: "kw-body kw-fill" }, drawing.node, right);
  const frame = h(
    "div",
    { class: "kw-box kw-col kw-frame" },
    bar.node,
    trouble.node,
    body,
    formula.node,
    historyStrip.node,
    speech.node,
  );
  root.append(frame);
  registry.listen(drawing.node, "click", () => registry.settled(() => reveal(frame, detail.node as HTMLElement)));
  const views = [bar, trouble, drawing, data, detail, formula, historyStrip, speech];
  return {
    node: frame,
    draw: (topics) => {
      if (touches(topics, "status", "link"))
        attrs(frame, { "data-status": context.store.link === "lost" ? "lost" : context.store.state.status.state });
      if (touches(topics, "view", "selection")) {
        const { tab, expanded } = context.ui.values;
        const none = context.store.state.selection.edges.length === 0;
        // Without a selected edge the data tabs use its space; except the table, whose rows would move under a click.
        attrs(frame, { "data-expanded": expanded && !none, "data-alone": none && tab !== "edges" });
      }
      for (const view of views) view.draw(topics);
    },
    destroy: () => {
      for (const view of views) view.destroy();
      registry.destroy();
    },
  };
}

/** On a narrow page the inspector is below the network: scrolls its top into view and keeps the network's lower half visible. */
function reveal(frame: HTMLElement, inspector: HTMLElement): void {
  const visibleEnd = frame.scrollTop + frame.clientHeight;
  if (frame.scrollHeight > frame.clientHeight + 8 && inspector.offsetTop > visibleEnd - 200)
    frame.scrollTop = inspector.offsetTop - frame.clientHeight * 0.55;
}
