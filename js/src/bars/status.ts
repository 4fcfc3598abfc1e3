// "● training · step 120 · 2.1 ms/step · test 3.4e-5", and a hint while a pause is unanswered.
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { milliseconds, number } from "../text/format";
import { h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

const HINT_MS = 1500;

const WORDS = {
  idle: "ready",
  running: "training",
  paused: "paused",
  done: "done",
  error: "stopped by an error",
} as const;

/** The state in one or two words. */
export function stateWords({ store, ui }: Context): string {
  const { status } = store.state;
  if (store.link === "lost") return "disconnected";
  if (store.link === "none") return "saved page, no kernel";
  if (store.running && ui.values.stopping !== null) return "stopping…";
  const label = (store.running && status.process) || WORDS[status.state];
  const explained = status.stop_reason && status.state !== "running" && status.stop_reason !== "steps done";
  return explained ? `${label}: ${status.stop_reason}` : label;
}

/** "on 2,000 of 160,000 rows" */
function sampleWords([count, all]: readonly number[]): string {
  return `on ${(count ?? 0).toLocaleString("en-US")} of ${(all ?? 0).toLocaleString("en-US")} rows`;
}

export function statusBar(context: Context): View {
  const { store, ui } = context;
  const registry = new Registry();
  const state = h("b");
  const step = h("span");
  const rows = h("span", { title: "The training takes all rows once their error stalls" });
  const speed = h("span", { class: "kw-roomy" });
  const loss = h("span");
  const right = h("span", { title: "Rows whose class has the highest score" });
  const task = h("span");
  const hint = h(
    "div",
    { class: "kw-hint kw-box kw-pop", role: "note", hidden: true },
    "The kernel is busy with something else. The training stops when it is free; interrupting the kernel (■) frees it at once.",
  );
  const dot = h("i", { class: "kw-dot", "aria-hidden": "true" });
  const node = h("div", { class: "kw-row kw-status kw-dim" }, dot, state, step, rows, speed, loss, right, task, hint);
  const showHint = hintTimer(context, hint, registry);
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "status", "link", "stopping")) return;
    const { status } = store.state;
    setText(state, stateWords(context));
    setText(step, `step ${status.step.toLocaleString("en-US")}`);
    setText(rows, status.rows ? sampleWords(status.rows) : "");
    setText(
      speed,
      status.ms_per_step !== null && status.state === "running" && !status.process
        ? milliseconds(status.ms_per_step)
        : "",
    );
    const kind = status.test !== null ? "test" : "train";
    setText(loss, status[kind] === null ? "" : `${kind} error ${number(status[kind])}`);
    const { accuracy } = status;
    setText(right, typeof accuracy === "number" ? `${number(100 * accuracy, 3)} % right` : "");
    setText(task, status.task ?? "");
    showHint(store.running && ui.values.stopping !== null);
  };
  return { node, draw, destroy: () => registry.destroy() };
}

function hintTimer({ ui }: Context, hint: HTMLElement, registry: Registry): (stopping: boolean) => void {
  let cancel: (() => void) | null = null;
  return (stopping) => {
    if (!stopping) {
      cancel?.();
      cancel = null;
      hint.hidden = true;
    } else if (!cancel) {
      const remaining = HINT_MS - (Date.now() - (ui.values.stopping ?? 0));
      cancel = registry.timeout(
        () => {
          hint.hidden = false;
        },
        Math.max(0, remaining),
      );
    }
  };
}
