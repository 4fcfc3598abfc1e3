// Collects changed topics and draws once per screen refresh. A hidden page gets no refreshes: a timer takes over, so that a
// kernel waiting for `frame_ack` is not blocked by a tab in the background.

import { EVERYTHING, type Topic, type Topics } from "../state/topics";
import type { Registry } from "../ui/listeners";

const FALLBACK_MS = 250;

export class DrawScheduler {
  #topics = new Set<Topic>();
  #callbacks: (() => void)[] = [];
  #cancel: (() => void) | null = null;

  constructor(
    private readonly registry: Registry,
    private readonly draw: (topics: Topics) => void,
  ) {}

  invalidate(topics: Iterable<Topic>): void {
    for (const topic of topics) this.#topics.add(topic);
    this.#request();
  }

  /** Runs `call` after the next drawing. */
  afterDraw(call: () => void): void {
    this.#callbacks.push(call);
    this.#request();
  }

  #request(): void {
    if (this.#cancel) return;
    const id = requestAnimationFrame(() => this.flush());
    const forgetFrame = this.registry.add(() => cancelAnimationFrame(id));
    const forgetTimer = this.registry.timeout(() => this.flush(), FALLBACK_MS);
    this.#cancel = () => {
      forgetFrame();
      forgetTimer();
    };
  }

  /** Draws the pending topics now; with `everything`, all topics. */
  flush(everything = false): void {
    this.#cancel?.();
    this.#cancel = null;
    const topics: Topics = everything ? EVERYTHING : this.#topics;
    this.#topics = new Set();
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    try {
      if (topics.size > 0) this.draw(topics);
    } finally {
      // The kernel waits for its answer even if this page fails to draw.
      for (const call of callbacks) call();
    }
  }
}
