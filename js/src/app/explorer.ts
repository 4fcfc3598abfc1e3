// Puts the explorer together on any element and any transport: store, drawing, messages, keys.

import { Actions } from "../state/actions";
import type { Context, View } from "../state/context";
import { Store } from "../state/store";
import { UiState } from "../state/ui-state";
import { Registry } from "../ui/listeners";
import { connect, readSnapshot, sender } from "./connection";
import { DrawScheduler } from "./draw-scheduler";
import { keepFocus } from "./focus";
import { handleKeys } from "./keyboard";
import { shell } from "./shell";
import { followTheme } from "./theme";
import type { Transport } from "./transport";

let views = 0;

export interface Explorer {
  readonly root: HTMLElement;
  readonly store: Store;
  destroy(): void;
}

export function createExplorer(host: HTMLElement, transport: Transport): Explorer {
  const registry = new Registry();
  const store = new Store();
  const ui = new UiState();
  const uid = `kw${++views}-${Math.random().toString(36).slice(2, 8)}`;
  let expect: (seq: number) => void = () => {};
  const send = sender(transport, store, uid, (seq) => expect(seq));
  const context: Context = { store, ui, uid, act: new Actions(store, ui, send, () => Date.now()) };
  const root = makeRoot(uid);
  const view: View = shell(context, root);
  const keep = keepFocus(root, registry);
  const frames = new DrawScheduler(registry, (topics) => {
    view.draw(topics);
    mark(root, store);
    keep();
  });
  store.link = transport.link;
  store.view = uid;
  registry.add(() => transport.dispose());
  // Heat maps are painted in the colors of the theme.
  followTheme(root, registry, () => ui.touch("view"));
  handleKeys(context, root, registry);
  const pump = connect(context, transport, frames, registry, send);
  expect = (seq) => pump.expect(seq);
  readSnapshot(store, transport);
  host.append(root);
  frames.flush(true);
  root.dataset.kwView = uid;
  if (transport.link === "live") send({ kind: "hello" });
  return {
    root,
    store,
    destroy: () => {
      view.destroy();
      registry.destroy();
      root.remove();
    },
  };
}

function makeRoot(uid: string): HTMLElement {
  const root = document.createElement("div");
  root.className = "kanwidget";
  root.id = uid;
  root.tabIndex = -1;
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "KAN explorer");
  return root;
}

/** The attributes by which tests and automation follow the session. */
function mark(root: HTMLElement, store: Store): void {
  const { status } = store.state;
  root.dataset.kwStatus = store.link === "lost" ? "disconnected" : status.state;
  root.dataset.kwStep = String(status.step);
  root.dataset.kwLink = store.link;
}
