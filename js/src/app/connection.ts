// Messages between the page and its session: commands are numbered and sent, answers go to the store.
import type { Command } from "../protocol/commands";
import { isSnapshot, type Message, readMessage, VERSION } from "../protocol/messages";
import type { Context } from "../state/context";
import type { Store } from "../state/store";
import type { Registry } from "../ui/listeners";
import { saveExport } from "./download";
import type { DrawScheduler } from "./draw-scheduler";
import { Pump } from "./pump";
import type { Transport } from "./transport";

type Send = (command: Command) => number | null;

/** Commands without an acknowledgement: `hello` and `pump` are answered by other messages, `frame_ack` by none. */
const UNANSWERED: ReadonlySet<string> = new Set(["hello", "frame_ack", "pump"]);

export function sender(transport: Transport, store: Store, view: string, expect: (seq: number) => void): Send {
  let seq = 0;
  return (command) => {
    if (store.link === "lost") return null;
    seq += 1;
    try {
      transport.send({ v: VERSION, seq, view, structure: store.state.structure.version, ...command });
    } catch {
      // The comm throws when its kernel is gone.
      store.setLink("lost");
      return null;
    }
    if (store.link === "live" && !UNANSWERED.has(command.kind)) expect(seq);
    return seq;
  };
}

export function readSnapshot(store: Store, transport: Transport): void {
  const snapshot = transport.snapshot();
  if (isSnapshot(snapshot)) store.load(snapshot);
  else if (snapshot && Object.keys(snapshot).length > 0) ignore(store, snapshot);
}

function ignore(store: Store, message: unknown): void {
  store.unreadable += 1;
  console.debug("kanwidget: a message that this page cannot read was ignored", message);
}

export function connect(
  { store, ui }: Context,
  transport: Transport,
  frames: DrawScheduler,
  registry: Registry,
  send: Send,
): Pump {
  const pump = new Pump(registry, {
    live: () => store.link === "live",
    running: () => store.running,
    busy: () => store.busy,
    pump: () => send({ kind: "pump", since: store.metrics.received }),
    clock: () => Date.now(),
  });
  store.onChange((topics) => {
    if (topics.includes("status") && !store.running) ui.set("stopping", null);
    pump.update();
    frames.invalidate(topics);
  });
  ui.onChange((topics) => frames.invalidate(topics));
  transport.onSnapshot(() => {
    readSnapshot(store, transport);
  });
  transport.onLost(() => store.setLink("lost"));
  transport.onMessage((value, buffers) => {
    const message = readMessage(value, store.panels);
    if (!message) return ignore(store, value);
    receive(store, message, buffers);
    if (message.kind !== "ack" || !store.isForeign(message)) pump.receive(message);
    if (message.frame !== undefined) {
      const frame = message.frame;
      frames.afterDraw(() => send({ kind: "frame_ack", frame }));
    }
  });
  return pump;
}

function receive(store: Store, message: Message, buffers: readonly unknown[]): void {
  // A message proves that the kernel is alive, even after a report that it is lost.
  if (store.link === "lost") store.setLink("live");
  store.apply(message, buffers[0]);
  if (message.kind === "export") saveExport(message, buffers[0]);
}
