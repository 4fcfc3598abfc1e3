// Notices: calm lines about the data or the training, one at a time, with the act that mends it. They are no errors.
import type { Command } from "../protocol/commands";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { button, iconButton } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

export function notices({ store, act }: Context): View {
  const registry = new Registry();
  const text = h("span", { class: "kw-fill" });
  const mend = button({ action: "mend", label: "", small: true });
  const more = h("span", { class: "kw-dim kw-fine" });
  const close = iconButton("dismiss-notice", "Dismiss", "close");
  const node = h("div", { class: "kw-row kw-notice", role: "note", hidden: true }, text, mend, more, close);
  /** A busy kernel takes its time to answer: what was dismissed is gone at once. */
  const dismissed = new Set<string>();
  const rest = () => store.state.guide.notices.filter(({ name }) => !dismissed.has(name));
  const current = () => rest()[0];
  registry.listen(mend, "click", () => {
    const command = current()?.command;
    if (command) act.send(command as unknown as Command);
  });
  registry.listen(close, "click", () => {
    const notice = current();
    if (!notice) return;
    act.send({ kind: "dismiss", notice: notice.name });
    dismissed.add(notice.name);
    draw(new Set(["guide"] as const));
  });
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "guide", "link")) return;
    const notice = current();
    const { length } = rest();
    node.hidden = !notice;
    if (!notice) return;
    attrs(node, { "data-kw-notice": notice.name });
    setText(text, notice.text);
    text.title = notice.text;
    mend.hidden = notice.command === null;
    setText(mend.lastElementChild!, notice.label ?? "");
    setText(more, length > 1 ? `1 of ${length}` : "");
    for (const item of [mend, close]) attrs(item, { disabled: !act.hasKernel });
  };
  return { node, draw, destroy: () => registry.destroy() };
}
