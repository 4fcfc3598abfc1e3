// Connection of the explorer to its session: an anywidget model here, recorded data in `report.ts`.
import type { AnyModel } from "@anywidget/types";
import type { Link } from "../state/store";

export interface Transport {
  readonly link: Link;
  /** The newest stored state, its numbers under `buffer`; null before the first. */
  snapshot(): unknown;
  onSnapshot(call: () => void): void;
  /** Throws when the session is gone. */
  send(message: object): void;
  onMessage(call: (message: unknown, buffers: readonly unknown[]) => void): void;
  /** The connection is lost for good. */
  onLost(call: () => void): void;
  dispose(): void;
}

/** The transport of a notebook. Every subscription is taken back in `dispose`. */
export function modelTransport(model: AnyModel): Transport {
  const undo: (() => void)[] = [];
  const on = (event: string, call: (...args: never[]) => void) => {
    model.on(event, call as never);
    undo.push(() => model.off(event, call as never));
  };
  return {
    link: "live",
    snapshot: () => model.get("snapshot"),
    onSnapshot: (call) => on("change:snapshot", call),
    send: (message) => model.send(message),
    onMessage: (call) =>
      on("msg:custom", (message: unknown, buffers?: readonly unknown[]) => call(message, buffers ?? [])),
    onLost: (call) => {
      // Raised when the kernel restarts or dies, and for live comms too. Most hosts hide the flag; a later message shows
      // that the kernel is alive.
      on("comm_live_update", () => {
        if ((model as unknown as { comm_live?: boolean }).comm_live !== true) call();
      });
      on("comm:close", call);
    },
    dispose: () => {
      for (const off of undo.splice(0)) off();
    },
  };
}
