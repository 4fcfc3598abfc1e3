// Commands of the page to the kernel.

import type { EdgeKey, NodeKey, Settings } from "./messages";

/**
 * A command. Sending adds `v`, `seq`, `view`, and in `structure` the version of the network that the user saw: a command
 * on edges or nodes is refused if the network is another one meanwhile.
 */
export type Command =
  | { kind: "hello" }
  | { kind: "set"; settings: Partial<Pick<Settings, "lamb" | "grid" | "opt" | "lr" | "batch" | "noise">> }
  | { kind: "control"; action: "start" | "pause" | "step" | "reset"; seed?: number }
  | { kind: "control"; action: "train" | "grow" | "simplify" | "formula" }
  | { kind: "discover"; action: "start" | "pause" | "resume" | "stop"; seconds?: number }
  | { kind: "use_formula"; id: number }
  | { kind: "dismiss"; notice: string }
  | { kind: "preset"; name: string }
  | { kind: "watch"; panels: string[] }
  | { kind: "surface"; x: number; y: number | null; output: number; at: (number | null)[] }
  | { kind: "survey"; on: boolean }
  | { kind: "select"; edges: EdgeKey[] }
  | { kind: "fix"; edge?: EdgeKey; edges?: EdgeKey[]; name: string; keep_spline: boolean }
  | { kind: "unfix"; edge?: EdgeKey; edges?: EdgeKey[] }
  | { kind: "freeze"; edges: EdgeKey[]; on: boolean }
  | { kind: "lock"; edges: EdgeKey[]; on: boolean }
  | { kind: "merge_levels"; edge: EdgeKey; groups: number[][] }
  | { kind: "add_node"; level: number; product: boolean }
  | { kind: "use_log"; names: string[]; toggle?: boolean }
  | { kind: "prune"; edges?: EdgeKey[]; node?: NodeKey }
  | { kind: "restore"; edges: EdgeKey[] }
  | { kind: "refine"; grid: number }
  | { kind: "extend" }
  | { kind: "auto"; r2_threshold: number | null; edges?: EdgeKey[] }
  | { kind: "drag"; edge: EdgeKey; index: number; value: number; commit: boolean; grid?: number }
  | { kind: "undo" }
  | { kind: "redo" }
  | { kind: "goto"; state: number }
  | { kind: "go_to_step"; step: number }
  | { kind: "back_to_best" }
  | { kind: "rank"; simplicity: number }
  | { kind: "export"; format: string }
  | { kind: "pump"; since: number }
  | { kind: "frame_ack"; frame: number };
