// A stand-in for the kernel: answers every command with the messages that a real one would send. Gallery and tests use it.
import type { Command } from "../src/protocol";
import type { Transport } from "../src/transport";
import { LIBRARY, PRIMITIVES } from "./library";
import { pack } from "./pack";
import { Sample } from "./sample";

type Wire = Record<string, unknown> & { kind: string };

export class FakeKernel extends Sample {
  readonly sent: (Wire & Command)[] = [];
  dead = false;
  /** Commands are noted and not answered. */
  silent = false;
  #message: (message: unknown, buffers: readonly unknown[]) => void = () => {};
  #snapshot: () => void = () => {};
  #lost: () => void = () => {};

  push(kind: string, body: object, buffer?: DataView, frame?: number): void {
    this.seq += 1;
    this.#message(
      { v: 1, kind, seq: this.seq, ...(frame === undefined ? {} : { frame }), ...body },
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
    this.push("status", { status: this.status() }, undefined, this.seq);
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
    this.push("ack", { of: command.seq, ok: true, settings: this.settings() });
  }

  #obey(command: Command): void {
    if (command.kind === "control") this.running = command.action === "start";
    if (command.kind === "control" && command.action === "step") this.tick(1);
    if (command.kind === "set") Object.assign(this, command.settings);
    if (command.kind === "set" && command.settings.lamb !== undefined)
      this.events.push({ step: this.step, label: `λ ${command.settings.lamb}`, kind: "set" });
    if (command.kind === "rank") this.simplicity = command.weight;
    if (command.kind === "select") {
      this.selected = command.edges;
      this.pushSelection();
      this.pushCandidates();
    }
    if (command.kind === "fix") this.#fix(command.edge ?? [], command.name, command.keep_spline);
    if (command.kind === "unfix")
      this.setState(
        this.edges.findIndex(({ key }) => key.join() === command.edge?.join()),
        "spline",
      );
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
    if (command.kind === "prune") this.note("prune", "prune");
    if (command.kind !== "select" && command.kind !== "export") this.pushAll();
  }

  #fix(key: number[], name: string, both: boolean): void {
    const i = this.edges.findIndex((edge) => edge.key.join() === key.join());
    if (!LIBRARY.some((one) => one.name === name) && !PRIMITIVES.includes(name)) return;
    this.setState(i, both ? "both" : "symbolic", name);
    this.note(`${this.edges[i]!.name} = ${name}`, "fix");
  }
}
