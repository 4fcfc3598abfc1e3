// Some hosts drop what a kernel sends on its own, and some have no threads. If a running session is silent for a
// second, the page asks for news every 200 ms, one question at a time, until news comes unasked again. A question that
// stays without an answer is asked again, less and less often: a busy kernel keeps all of them in its queue.
import type { Registry } from "./listeners";
import type { Message } from "./protocol";

const SILENCE_MS = 1000;
const PERIOD_MS = 200;
/** A question older than this, or its answer, is taken for lost; doubled with every one in a row. */
const LOST_MS = 2000;
const MOST_MS = 16_000;
/** Messages this soon after an answer began belong to it. */
const ANSWER_MS = 120;

interface PumpHost {
  running(): boolean;
  /** Sends `pump` and returns its sequence number, or null when it could not be sent. */
  pump(): number | null;
  now(): number;
}

export class Pump {
  #asked: { seq: number; at: number } | null = null;
  #patience = LOST_MS;
  #answered = Number.NEGATIVE_INFINITY;
  #pumping = false;
  #timer: (() => void) | null = null;

  constructor(
    private readonly registry: Registry,
    private readonly host: PumpHost,
  ) {}

  /** The session may have started or stopped running. */
  update(): void {
    if (this.host.running() && !this.#timer) this.#wait(SILENCE_MS);
    if (!this.host.running()) this.#stop();
  }

  heard(message: Message): void {
    const now = this.host.now();
    if (this.#asked) {
      if (message.kind === "ack" && message.of !== this.#asked.seq) return;
      this.#asked = null;
      this.#patience = LOST_MS;
      this.#answered = now;
    } else if (message.kind !== "ack" && now - this.#answered > ANSWER_MS) this.#pumping = false;
    if (!this.#pumping && this.#timer) this.#wait(SILENCE_MS);
  }

  #wait(ms: number): void {
    this.#timer?.();
    this.#timer = this.registry.timeout(() => this.#tick(), ms);
  }

  #tick(): void {
    this.#timer = null;
    if (!this.host.running()) {
      this.#stop();
      return;
    }
    this.#pumping = true;
    if (this.#asked && this.host.now() - this.#asked.at >= this.#patience) {
      this.#asked = null;
      this.#patience = Math.min(2 * this.#patience, MOST_MS);
    }
    if (!this.#asked) {
      const seq = this.host.pump();
      if (seq !== null) this.#asked = { seq, at: this.host.now() };
    }
    this.#wait(PERIOD_MS);
  }

  #stop(): void {
    this.#timer?.();
    this.#timer = null;
    this.#asked = null;
    this.#patience = LOST_MS;
    this.#pumping = false;
  }
}
