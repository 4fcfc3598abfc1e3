// Errors in the words of the Python exceptions, and the notice that the kernel is gone.

import type { ErrorInfo } from "../protocol/messages";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { iconButton } from "../ui/controls";
import { h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

const LOST: ErrorInfo = {
  title: "Disconnected",
  message: "The kernel of this explorer is gone. What you see is its last state.",
  hint: "Run the cell again to go on.",
};

export function errors({ store }: Context): View {
  const registry = new Registry();
  const title = h("b");
  const message = h("span");
  const hint = h("span", { class: "kw-dim" });
  const close = iconButton("dismiss-error", "Dismiss", "close");
  const node = h(
    "div",
    { class: "kw-row kw-error", role: "alert", hidden: true },
    h("div", { class: "kw-fill" }, title, " ", message, " ", hint),
    close,
  );
  let dismissed: ErrorInfo | null = null;
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "error", "link")) return;
    const error = store.link === "lost" ? LOST : store.state.error;
    node.hidden = error === null || error === dismissed;
    if (!error || node.hidden) return;
    node.dataset.kwError = error.title;
    setText(title, error.title);
    setText(message, error.message);
    setText(hint, error.hint ?? "");
  };
  registry.listen(close, "click", () => {
    dismissed = store.link === "lost" ? LOST : store.state.error;
    node.hidden = true;
  });
  return { node, draw, destroy: () => registry.destroy() };
}
