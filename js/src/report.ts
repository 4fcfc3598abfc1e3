// A saved page: the same views on stored data, no kernel. Selecting an edge shows what was recorded for it.
import { fromBase64 } from "./codecs";
import { createExplorer, type Explorer } from "./explorer";
import { isArrays, isCandidates, isSelection, keyText } from "./protocol";
import type { Transport } from "./transport";

interface StoredEdge {
  selection?: unknown;
  candidates?: unknown;
  arrays?: unknown;
  buffer?: unknown;
}
export interface Report {
  /** As the trait `snapshot`; its `buffer` as base64 text. */
  snapshot: Record<string, unknown>;
  /** What selecting an edge shows; arrays named `selection.*` and `candidates.*`. */
  edges?: Record<string, StoredEdge>;
}

const binary = (value: unknown): unknown => (typeof value === "string" ? fromBase64(value) : value);

/** Arrays whose name begins with `prefix`, without it. */
function named(arrays: unknown, prefix: string): Record<string, unknown> {
  if (!isArrays(arrays)) return {};
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, entry]) => [name.slice(prefix.length), entry]));
}

function answers(report: Report, edges: number[][], seq: number): { message: object; buffer: unknown }[] {
  const key = edges[0] ? keyText(edges[0]) : "";
  const stored = Object.hasOwn(report.edges ?? {}, key) ? report.edges![key] : undefined;
  const selection = isSelection(stored?.selection) ? { ...stored.selection, edges } : { edges };
  const candidates = isCandidates(stored?.candidates)
    ? { ...stored.candidates, busy: false }
    : { edge: edges[0] ?? null, busy: false, version: 0, rows: [] };
  const buffer = binary(stored?.buffer);
  const head = { v: 1, seq };
  return [
    { message: { ...head, kind: "selection", selection, arrays: named(stored?.arrays, "selection.") }, buffer },
    { message: { ...head, kind: "candidates", candidates, arrays: named(stored?.arrays, "candidates.") }, buffer },
  ];
}

export function openReport(el: HTMLElement, report: Report): Explorer {
  let receive: (message: unknown, buffers: readonly unknown[]) => void = () => {};
  let seq = Number(report.snapshot.seq) || 0;
  const transport: Transport = {
    link: "none",
    snapshot: () => ({ ...report.snapshot, buffer: binary(report.snapshot.buffer) }),
    onSnapshot: () => {},
    onMessage: (call) => {
      receive = call;
    },
    onLost: () => {},
    dispose: () => {},
    send: (command) => {
      const { kind, edges } = command as { kind: string; edges?: number[][] };
      if (kind !== "select" || !edges) return;
      seq += 1;
      for (const { message, buffer } of answers(report, edges, seq)) receive(message, [buffer]);
    },
  };
  return createExplorer(el, transport);
}
