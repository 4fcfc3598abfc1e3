// A stand-in for the kernel: answers every command with the messages that a real one would send.

import type { Transport } from "../../src/app/transport";
import type { Command } from "../../src/protocol/commands";
import { LIBRARY, PRIMITIVES } from "./library";
import { pack } from "./pack";
import { parityPart, surfacePart, type View } from "./panels";
import { baseAt, Sample } from "./sample";
import { greville } from "./spline";

type Wire = Record<string, unknown> & { kind: string };

export class FakeKernel extends Sample {
  readonly sent: (Wire & Command)[] = [];
  dead = false;
  /** Commands are noted and not answered. */
  silent = false;
  #message: (message: unknown, buffers: readonly unknown[]) => void = () => {};
  #snapshot: () => void = () => {};
  #lost: () => void = () => {};

  classes = false;
  hole = false;
  presets: string[] = [];
  batch: number | null = null;
  noise = 0;
  seed: number | null = 42;
  watched: string[] = [];
  view: View = { x: 0, y: 1, output: 0, at: [] };

  override settings() {
    const { batch, noise, seed, presets } = this;
    return { ...super.settings(), batch, noise, seed, rows: 1000, presets, preset: presets[0] ?? null };
  }

  override snapshot() {
    const examples = this.presets.map((name) => ({ name, formula: `y = ${name}`, line: "Look." }));
    return { ...super.snapshot(), examples };
  }

  /** What the open panels of a view show. */
  pushWatched(): void {
    if (this.watched.includes("parity")) {
      const [parity, arrays] = parityPart(this, this.classes);
      const packed = pack(arrays);
      this.push("parity", { parity, arrays: packed.arrays }, packed.buffer);
    }
    if (!this.watched.includes("surface")) return;
    const inputs = this.nodes.filter(({ kind }) => kind === "input").length;
    const [surface, arrays] = surfacePart(this, inputs > 1 ? this.view : { ...this.view, y: null }, this.hole);
    const packed = pack(arrays);
    this.push("surface", { surface, arrays: packed.arrays }, packed.buffer);
  }

  push(kind: string, body: object, buffer?: DataView, frame?: number): void {
    this.seq += 1;
    this.#message(
      { v: 2, kind, seq: this.seq, ...(frame === undefined ? {} : { frame }), ...body },
      buffer ? [buffer] : [],
    );
  }

  raw(message: unknown): void {
    this.#message(message, []);
  }

  pushSelection(): void {
    const [selection, detail] = this.selectionPart();
    const packed = pack(detail);
    this.push("selection", { selection, arrays: packed.arrays }, packed.buffer);
  }

  pushCandidates(): void {
    const [candidates, fits] = this.candidatesPart();
    const packed = pack(fits);
    this.push("candidates", { candidates, arrays: packed.arrays }, packed.buffer);
  }

  pushAll(): void {
    this.push("structure", { structure: this.structure() });
    const curves = pack({ curves: this.curveRows(this.edges.map((_, i) => i)) });
    this.push("curves", { edges: null, arrays: curves.arrays }, curves.buffer);
    this.push("history", { history: this.history() });
    this.push("formula", { formula: this.formulaPart() });
    this.push("status", { status: this.status() });
  }

  /** One tick of training: a few steps and what a driver would push. */
  tick(steps = 3): void {
    const first = this.rows.length;
    for (let i = 0; i < steps; i++) this.advance();
    const metrics = pack({ metrics: [this.rows.slice(first).flat(), [steps, 5]] });
    this.push("metrics", { first, replace: false, arrays: metrics.arrays }, metrics.buffer);
    const curves = pack({ curves: this.curveRows(this.edges.map((_, i) => i)) });
    this.push("curves", { edges: null, arrays: curves.arrays }, curves.buffer);
    if (this.selected.length > 0) this.pushSelection();
    this.pushWatched();
    this.push("status", { status: this.status() }, undefined, this.seq);
  }

  /** What a kernel sends of a large network: the curves of some edges only. */
  tickSome(edges: number): void {
    const first = Math.floor((this.seq * 37) % Math.max(1, this.edges.length - edges));
    const some = this.edges.map((_, i) => i).slice(first, first + edges);
    const curves = pack({ curves: this.curveRows(some) });
    this.push("curves", { edges: some.map((i) => this.edges[i]!.key), arrays: curves.arrays }, curves.buffer, this.seq);
  }

  publishSnapshot(): void {
    this.#snapshot();
  }

  lose(): void {
    this.dead = true;
    this.#lost();
  }

  transport(): Transport {
    return {
      link: "live",
      snapshot: () => this.snapshot(),
      onSnapshot: (call) => {
        this.#snapshot = call;
      },
      onMessage: (call) => {
        this.#message = call;
      },
      onLost: (call) => {
        this.#lost = call;
      },
      send: (message) => {
        if (this.dead) throw new Error("Cannot send");
        const command = message as Wire & Command;
        this.sent.push(command);
        if (!this.silent) this.answer(command);
      },
      dispose: () => {},
    };
  }

  answer(command: Wire & Command): void {
    if (command.kind === "frame_ack" || command.kind === "hello") return;
    this.#obey(command);
    this.push("ack", { of: command.seq, ok: true, settings: this.settings(), view: command.view });
  }

  #obey(command: Command): void {
    if (command.kind === "control") this.running = command.action === "start";
    if (command.kind === "control" && command.action === "step") this.tick(1);
    if (command.kind === "set") Object.assign(this, command.settings);
    if (command.kind === "set" && command.settings.lamb !== undefined)
      this.events.push({ step: this.step, label: `λ ${command.settings.lamb}`, kind: "set" });
    if (command.kind === "watch") this.watched = command.panels;
    if (command.kind === "surface") this.view = command;
    if (command.kind === "watch" || command.kind === "surface") this.pushWatched();
    if (command.kind === "rank") this.simplicity = command.simplicity;
    if (command.kind === "select") {
      this.selected = command.edges;
      this.pushSelection();
      this.pushCandidates();
    }
    if (command.kind === "fix") this.#fix(command.edges ?? [command.edge ?? []], command.name, command.keep_spline);
    if (command.kind === "unfix")
      for (const key of command.edges ?? [command.edge]) this.setState(this.#place(key ?? []), "spline");
    if (command.kind === "freeze" || command.kind === "lock") this.#bind(command.edges, command.kind, command.on);
    if (command.kind === "survey") this.survey(command.on);
    if (command.kind === "auto" && command.edges) {
      for (const { edge, name } of this.surveyed)
        if (command.edges.some((key) => key.join() === edge.join())) this.setState(this.#place(edge), "symbolic", name);
      this.note(`${command.edges.length} edges fixed`, "auto");
    }
    if (command.kind === "drag") this.#drag(command.edge, command.index, command.value, command.commit);
    if (command.kind === "undo") this.current = this.states.find(({ id }) => id === this.current)?.parent ?? 0;
    if (command.kind === "redo")
      this.current = this.states.findLast(({ parent }) => parent === this.current)?.id ?? this.current;
    if (command.kind === "goto") this.current = command.state;
    if (command.kind === "export")
      this.push("export", {
        format: command.format,
        filename: `kan.${command.format}`,
        mime: "text/plain",
        text: 'explorer.fit(steps=50)\nexplorer.prune()\nexplorer.fix(0, 0, 0, "sin")\n',
      });
    if (command.kind === "prune")
      for (const [i, edge] of this.edges.entries())
        if (command.edges ? command.edges.some((key) => key.join() === edge.key.join()) : this.strength[i]! < 0.2)
          this.setState(i, "pruned");
    if (command.kind === "prune") this.note("prune", "prune", command.edges);
    if (!["select", "export", "watch", "surface", "survey", "drag"].includes(command.kind)) this.pushAll();
  }

  #place(key: number[]): number {
    return this.edges.findIndex((edge) => edge.key.join() === key.join());
  }

  #bind(keys: number[][], what: "freeze" | "lock", on: boolean): void {
    const group = Math.max(-1, ...this.edges.map(({ tied }) => tied ?? -1)) + 1;
    for (const key of keys) {
      const { tied: _, ...edge } = this.edges[this.#place(key)]!;
      const tied = what === "lock" ? (on ? { tied: group } : {}) : _ === undefined ? {} : { tied: _ };
      const frozen = what === "freeze" ? on : (edge.frozen ?? false);
      this.edges[this.#place(key)] = { ...edge, ...tied, frozen, locked: frozen || "tied" in tied };
    }
  }

  /** Looks at all edges at once, and tells half of it; `surveyOn` tells the rest. */
  survey(on: boolean): void {
    if (on) this.#tell(0, this.surveyed.length >> 1);
  }

  surveyOn(): void {
    this.#tell(this.surveyed.length >> 1, this.surveyed.length);
  }

  #tell(first: number, last: number): void {
    const rows = this.surveyed.slice(first, last);
    this.push("survey", { survey: { first, of: this.surveyed.length, busy: last < this.surveyed.length, rows } });
  }

  #drag(key: number[], index: number, value: number, commit: boolean): void {
    const spline = this.splines[this.#place(key)]!;
    spline.coefficients[index] = value + baseAt(greville(spline.grid)[index]!);
    this.distance += 0.01;
    this.push("status", { status: this.status() });
    const curves = pack({ curves: this.curveRows([this.#place(key)]) });
    this.push("curves", { edges: [key], arrays: curves.arrays }, curves.buffer);
    if (!commit) return;
    this.note(`drag ${key.join("-")}`, "drag", [key]);
    this.pushSelection();
    this.pushCandidates();
    this.pushAll();
  }

  #fix(keys: number[][], name: string, both: boolean): void {
    if (!LIBRARY.some((item) => item.name === name) && !PRIMITIVES.includes(name)) return;
    for (const key of keys) this.setState(this.#place(key), both ? "both" : "symbolic", name);
    const label = keys.length > 1 ? `${keys.length} edges` : keys[0]!.join("-");
    this.note(`${label} = ${name}`, "fix", keys);
  }
}
