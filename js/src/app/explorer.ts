// Puts the explorer together on any element and any transport: store, drawing, messages, keys.

import { type Command, isSnapshot, type Message, readMessage, stamped, VERSION } from "../protocol/messages";
import { Actions } from "../state/actions";
import type { Context, View } from "../state/context";
import { Store } from "../state/store";
import { UiState } from "../state/ui-state";
import { Registry } from "../ui/listeners";
import { saveExport } from "./download";
import { Frames } from "./draw-scheduler";
import { keepFocus } from "./focus";
import { handleKeys } from "./keyboard";
import { Pump } from "./pump";
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
  const frames = new Frames(registry, (topics) => {
    view.draw(topics);
    mark(root, store);
    keep();
  });
  store.link = transport.link;
  store.view = uid;
  registry.add(() => transport.dispose());
  // Maps are painted in the colours of the theme.
  followTheme(root, registry, () => ui.touch("view"));
  handleKeys(context, root, registry);
  const pump = wire(context, transport, frames, registry, send);
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
  // JupyterLab takes keys for its own shortcuts unless told not to.
  root.dataset.lmSuppressShortcuts = "true";
  return root;
}

/** The attributes by which tests and automation follow the session. */
function mark(root: HTMLElement, store: Store): void {
  const { status } = store.state;
  root.dataset.kwStatus = store.link === "lost" ? "disconnected" : status.state;
  root.dataset.kwStep = String(status.step);
  root.dataset.kwLink = store.link;
}

type Send = (command: Command) => number | null;
/** What is answered otherwise than by an `ack`, if at all, or is the question itself. */
const UNANSWERED: ReadonlySet<string> = new Set(["hello", "frame_ack", "pump"]);

function sender(transport: Transport, store: Store, view: string, expect: (seq: number) => void): Send {
  let seq = 0;
  return (command) => {
    if (store.link === "lost") return null;
    seq += 1;
    try {
      transport.send({ v: VERSION, seq, view, ...stamped(command, store.state.structure) });
    } catch {
      // The comm's way to say that its kernel is gone.
      store.setLink("lost");
      return null;
    }
    if (store.link === "live" && !UNANSWERED.has(command.kind)) expect(seq);
    return seq;
  };
}

function readSnapshot(store: Store, transport: Transport): void {
  const snapshot = transport.snapshot();
  if (isSnapshot(snapshot)) store.load(snapshot);
  else if (snapshot && Object.keys(snapshot).length > 0) ignore(store, snapshot);
}

function ignore(store: Store, message: unknown): void {
  store.ignored += 1;
  console.debug("kanwidget: a message that this page cannot read was ignored", message);
}

function wire({ store, ui }: Context, transport: Transport, frames: Frames, registry: Registry, send: Send): Pump {
  const pump = new Pump(registry, {
    live: () => store.link === "live",
    running: () => store.running,
    busy: () => store.busy,
    pump: () => send({ kind: "pump", since: store.metrics.received }),
    now: () => Date.now(),
  });
  store.onChange((topics) => {
    if (topics.includes("status") && !store.running) ui.set("stopping", null);
    pump.update();
    frames.mark(topics);
  });
  ui.onChange((topics) => frames.mark(topics));
  transport.onSnapshot(() => {
    readSnapshot(store, transport);
  });
  transport.onLost(() => store.setLink("lost"));
  transport.onMessage((value, buffers) => {
    const message = readMessage(value);
    if (!message) return ignore(store, value);
    receive(store, message, buffers);
    if (message.kind !== "ack" || !store.foreign(message)) pump.heard(message);
    if (message.frame !== undefined) {
      const frame = message.frame;
      frames.after(() => send({ kind: "frame_ack", frame }));
    }
  });
  return pump;
}

function receive(store: Store, message: Message, buffers: readonly unknown[]): void {
  // A message proves that the link lives, whatever was heard before.
  if (store.link === "lost") store.setLink("live");
  store.apply(message, buffers[0]);
  if (message.kind === "export") saveExport(message, buffers[0]);
}
