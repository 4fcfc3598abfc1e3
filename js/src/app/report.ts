// Entry of a saved page: the same views on recorded data, without a kernel. Selecting an edge shows its record, and a
// slider goes through the training.
import { VERSION } from "../protocol/messages";
import { binary, RecordedSession, type Report, type StoredMessage } from "../report/recorded-session";
import { scrubber } from "../report/scrubber";
import { sessionFile } from "../report/session-file";
import { createExplorer, type Explorer } from "./explorer";
import type { Transport } from "./transport";

/** `session` reads the file of the session, where the page has one. */
export function openReport(el: HTMLElement, report: Report, session?: (() => Promise<string>) | null): Explorer {
  const pages = new RecordedSession(report);
  let receive: (message: unknown, buffers: readonly unknown[]) => void = () => {};
  let seq = Number(report.snapshot.seq) || 0;
  let selectSeq = 0;
  const deliver = (answers: StoredMessage[]) => {
    seq += 1;
    for (const { message, buffer } of answers) receive({ v: VERSION, seq, ...message }, buffer ? [buffer] : []);
  };
  const transport: Transport = {
    link: "none",
    snapshot: () => ({
      ...report.snapshot,
      buffer: binary(report.snapshot.buffer),
      formats: session ? [["code", "Open in a notebook"]] : [],
    }),
    onSnapshot: () => {},
    onMessage: (call) => {
      receive = call;
    },
    onLost: () => {},
    dispose: () => {},
    send: (command) => {
      const { kind, edges, seq: of } = command as { kind: string; edges?: number[][]; seq: number };
      if (kind === "export") session?.().then((text) => deliver(sessionFile(text, location.pathname)));
      if (kind !== "select" || !edges) return;
      selectSeq = of;
      deliver(pages.select(edges));
    },
  };
  const explorer = createExplorer(el, transport);
  deliver(pages.panels());
  if (!pages.film) return explorer;
  const { steps, acts } = pages.film.data;
  const { settings } = report.snapshot;
  const labels = new Map(acts.map(({ shot, label }) => [shot, label]));
  const bar = scrubber({
    frames: steps.map((step, shot) => ({ step, label: labels.get(shot) ?? null })),
    // The acknowledgement goes first: until it arrives the page ignores selections of other edges.
    show: (shot) => deliver([{ message: { kind: "ack", of: selectSeq, ok: true, settings } }, ...pages.show(shot)]),
  });
  explorer.root.append(bar.node);
  return {
    ...explorer,
    destroy: () => {
      bar.destroy();
      explorer.destroy();
    },
  };
}
