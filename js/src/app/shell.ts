// Arrangement of the panels.

import { errors } from "../bars/errors";
import { formulaBar } from "../bars/formula";
import { history } from "../bars/history";
import { liveRegion } from "../bars/live-region";
import { notices } from "../bars/notices";
import { statusBar } from "../bars/status";
import { steps } from "../bars/steps";
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
  const guide = steps(context);
  const status = statusBar(context);
  const calm = notices(context);
  const drawing = network(context);
  const data = tabs(context, TABS);
  const detail = inspector(context);
  const formula = formulaBar(context);
  const historyStrip = history(context);
  const speech = liveRegion(context);
  const right = h("div", { class: "kw-col kw-right" }, data.node, detail.node);
  const body = h("div", { class: "kw-body" }, drawing.node, right);
  const slots = h(
    "div",
    { class: "kw-slots" },
    slot("steps", guide.node),
    slot("notices", calm.node, trouble.node),
    status.node,
  );
  const frame = h(
    "div",
    { class: "kw-box kw-col kw-frame" },
    bar.node,
    slots,
    body,
    formula.node,
    historyStrip.node,
    speech.node,
  );
  root.append(frame);
  registry.listen(drawing.node, "click", () => registry.settled(() => reveal(right, detail.node as HTMLElement)));
  const views = [bar, guide, status, calm, trouble, drawing, data, detail, formula, historyStrip, speech];
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

/** A row above the network that is reserved for a kind of message: nothing moves when one comes or goes. */
const slot = (name: string, ...messages: Element[]): HTMLElement =>
  h("div", { class: "kw-slot", "data-kw-slot": name }, ...messages);

/** Brings the inspector of a clicked edge into view: within its column, or on a narrow page below the network, whose lower half stays. */
function reveal(column: HTMLElement, inspector: HTMLElement): void {
  const [outer, inner] = [column.getBoundingClientRect(), inspector.getBoundingClientRect()];
  if (column.scrollHeight > column.clientHeight + 1) {
    column.scrollTop += Math.min(inner.top - outer.top, Math.max(0, inner.bottom - outer.bottom));
  } else if (
    outer.left <= 1 + column.closest(".kw-frame")!.getBoundingClientRect().left &&
    inner.top > innerHeight - 200
  )
    inspector.firstElementChild!.scrollIntoView({ block: "center" });
}
