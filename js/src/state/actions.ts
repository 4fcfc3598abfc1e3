// Acts of clicks and keys. Each is one command to the kernel; urgent changes are shown before the answer arrives.
import type { Command } from "../protocol/commands";
import type { EdgeKey } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import type { Store } from "./store";
import type { UiState } from "./ui-state";

/** Several edges make one act with one undo. */
const oneOrMore = (edges: EdgeKey[]) => (edges.length === 1 ? { edge: edges[0]! } : { edges });

export class Actions {
  constructor(
    private readonly store: Store,
    private readonly ui: UiState,
    /** Sends a command; its sequence number, or null when the kernel is gone. */
    readonly send: (command: Command) => number | null,
    private readonly clock: () => number,
  ) {}

  /** Whether a kernel can carry out acts. */
  get hasKernel(): boolean {
    return this.store.link === "live";
  }

  /** Whether this is a saved page: it hides controls that need a kernel. */
  get isSavedPage(): boolean {
    return this.store.link === "none";
  }

  toggleRun(): void {
    if (this.store.running) this.pause();
    else this.send({ kind: "control", action: "start" });
  }

  pause(): void {
    if (this.ui.values.stopping === null) this.ui.set("stopping", this.clock());
    this.send({ kind: "control", action: "pause" });
  }

  control(action: "step" | "reset"): void {
    this.send({ kind: "control", action });
  }

  undo(): void {
    if (this.store.state.history.can_undo) this.send({ kind: "undo" });
  }

  redo(): void {
    if (this.store.state.history.can_redo) this.send({ kind: "redo" });
  }

  goTo(state: number): void {
    if (state !== this.store.state.history.current) this.send({ kind: "goto", state });
  }

  goToStep(step: number): void {
    if (this.hasKernel && step !== this.store.state.status.step) this.send({ kind: "go_to_step", step });
  }

  backToBest(): void {
    this.send({ kind: "back_to_best" });
  }

  /** Selects an edge; `add` toggles it in the selection. */
  select(key: EdgeKey, add = false): void {
    const old = this.store.state.selection.edges;
    const text = keyText(key);
    const without = old.filter((edge) => keyText(edge) !== text);
    if (add) this.selectAll(without.length < old.length ? without : [...old, key]);
    else if (old.length !== 1 || without.length > 0) this.selectAll([key]);
    this.ui.set("cursor", text);
  }

  selectAll(edges: EdgeKey[]): void {
    // Shown before it is sent: a saved page answers at once.
    this.store.select(edges);
    this.store.awaitSelection(this.send({ kind: "select", edges }));
  }

  /** Replaces the functions of all selected edges. */
  fix(name: string, keepSpline = false): void {
    this.#sendForSelection((edges) => ({ kind: "fix", ...oneOrMore(edges), name, keep_spline: keepSpline }));
  }

  unfix(): void {
    this.#sendForSelection((edges) => ({ kind: "unfix", ...oneOrMore(edges) }));
  }

  prune(): void {
    this.#sendForSelection((edges) => ({ kind: "prune", edges }));
  }

  /** Restores the selected pruned edges. */
  restore(): void {
    this.#sendForSelection((edges) => ({ kind: "restore", edges }));
  }

  exportAs(format: string): void {
    this.send({ kind: "export", format });
  }

  #sendForSelection(command: (edges: EdgeKey[]) => Command): void {
    const { edges } = this.store.state.selection;
    if (edges.length > 0) this.send(command(edges));
  }
}
