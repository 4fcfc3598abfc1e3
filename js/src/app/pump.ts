// Polls the kernel where messages get lost. Some hosts drop messages that a kernel sends from a thread, some have no
// threads. While the page waits (training runs, a command is unanswered, candidates or a preview are computed) and
// receives nothing for a second, it sends `pump` every 200 ms, one at a time, until messages arrive unprompted again.
// An unanswered `pump` is repeated at growing intervals, because a busy kernel queues all of them. Answers to `pump`
// are never dropped: the kernel sends them while it handles the request.

import type { Message } from "../protocol/messages";
import type { Registry } from "../ui/listeners";

const SILENCE_MS = 1000;
const PERIOD_MS = 200;
/** A `pump` without an answer counts as lost after this time; doubled with every loss in a row. */
const LOST_MS = 2000;
const MOST_MS = 16_000;
/** Messages within this time after an answer belong to the answer. */
const ANSWER_MS = 120;

interface PumpHost {
  live(): boolean;
  running(): boolean;
  /** The kernel is still computing candidates or a preview. */
  busy(): boolean;
  /** Sends `pump` and returns its sequence number, or null when it could not be sent. */
  pump(): number | null;
  clock(): number;
}

export class Pump {
  #request: { seq: number; at: number } | null = null;
  #patience = LOST_MS;
  #answerTime = Number.NEGATIVE_INFINITY;
  #pumping = false;
  #timer: (() => void) | null = null;
  /** Number of the last unanswered command. */
  #unanswered: number | null = null;
  #silence = SILENCE_MS;
  #period = PERIOD_MS;

  constructor(
    private readonly registry: Registry,
    private readonly host: PumpHost,
  ) {}

  /** Waits for the acknowledgement of a command. */
  expect(seq: number): void {
    this.#unanswered = seq;
    this.#period = PERIOD_MS;
    this.update();
  }

  /** Starts or stops polling, after the session may have started or stopped running. */
  update(): void {
    if (this.#needed() && !this.#timer) this.#wait(this.#silence);
    if (!this.#needed()) this.#stop();
  }

  receive(message: Message): void {
    const time = this.host.clock();
    this.#answer(message);
    if (this.#request) {
      if (message.kind === "ack" && message.of !== this.#request.seq) return;
      this.#request = null;
      this.#patience = LOST_MS;
      this.#answerTime = time;
    } else if (message.kind !== "ack" && time - this.#answerTime > ANSWER_MS) this.#pumping = false;
    if (!this.#pumping && this.#timer) this.#wait(this.#silence);
    // After a part of the preview the next part may come as soon.
    if (message.kind === "survey") {
      this.#period = PERIOD_MS;
      if (this.#pumping && this.#timer) this.#wait(PERIOD_MS);
    }
    this.update();
  }

  /** Answers come in order. An acknowledged `pump` after an unanswered command shows that the host dropped the command's answer. */
  #answer(message: Message): void {
    if (message.kind !== "ack" || this.#unanswered === null || message.of < this.#unanswered) return;
    this.#silence = message.of === this.#unanswered ? SILENCE_MS : PERIOD_MS;
    this.#unanswered = null;
  }

  #needed(): boolean {
    return this.host.live() && (this.host.running() || this.#unanswered !== null || this.host.busy());
  }

  #wait(ms: number): void {
    this.#timer?.();
    this.#timer = this.registry.timeout(() => this.#tick(), ms);
  }

  #tick(): void {
    this.#timer = null;
    if (!this.#needed()) {
      this.#stop();
      return;
    }
    this.#pumping = true;
    if (this.#request && this.host.clock() - this.#request.at >= this.#patience) {
      this.#request = null;
      this.#patience = Math.min(2 * this.#patience, MOST_MS);
    }
    if (!this.#request) {
      const seq = this.host.pump();
      if (seq !== null) this.#request = { seq, at: this.host.clock() };
      // A search may take long, or never end.
      this.#period = this.host.running() ? PERIOD_MS : Math.min(2 * this.#period, MOST_MS);
    }
    this.#wait(this.#period);
  }

  #stop(): void {
    this.#timer?.();
    this.#timer = null;
    this.#request = null;
    this.#patience = LOST_MS;
    this.#period = PERIOD_MS;
    this.#pumping = false;
  }
}
