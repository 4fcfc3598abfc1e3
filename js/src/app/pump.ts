// Some hosts drop what a kernel sends on its own, and some have no threads. If a page that waits for news (the session
// runs, a command is not answered, candidates are being searched, edges are looked at) hears nothing for a second, it
// asks every 200 ms, one question at a time, until news comes unasked again. A question that stays without an answer is
// asked again, less and less often: a busy kernel keeps all of them in its queue. The answer to a question is never
// dropped, as it is sent while the question is handled.

import type { Message } from "../protocol/messages";
import type { Registry } from "../ui/listeners";

const SILENCE_MS = 1000;
const PERIOD_MS = 200;
/** A question older than this, or its answer, is taken for lost; doubled with every one in a row. */
const LOST_MS = 2000;
const MOST_MS = 16_000;
/** Messages this soon after an answer began belong to it. */
const ANSWER_MS = 120;

interface PumpHost {
  live(): boolean;
  running(): boolean;
  /** Something that was asked for is still being worked out. */
  busy(): boolean;
  /** Sends `pump` and returns its sequence number, or null when it could not be sent. */
  pump(): number | null;
  clock(): number;
}

export class Pump {
  #question: { seq: number; at: number } | null = null;
  #patience = LOST_MS;
  #answerTime = Number.NEGATIVE_INFINITY;
  #pumping = false;
  #timer: (() => void) | null = null;
  /** The last command that has no answer yet. */
  #unanswered: number | null = null;
  #silence = SILENCE_MS;
  #period = PERIOD_MS;

  constructor(
    private readonly registry: Registry,
    private readonly host: PumpHost,
  ) {}

  /** A command was sent, and will be answered. */
  expect(seq: number): void {
    this.#unanswered = seq;
    this.#period = PERIOD_MS;
    this.update();
  }

  /** The session may have started or stopped running. */
  update(): void {
    if (this.#needed() && !this.#timer) this.#wait(this.#silence);
    if (!this.#needed()) this.#stop();
  }

  receive(message: Message): void {
    const time = this.host.clock();
    this.#answer(message);
    if (this.#question) {
      if (message.kind === "ack" && message.of !== this.#question.seq) return;
      this.#question = null;
      this.#patience = LOST_MS;
      this.#answerTime = time;
    } else if (message.kind !== "ack" && time - this.#answerTime > ANSWER_MS) this.#pumping = false;
    if (!this.#pumping && this.#timer) this.#wait(this.#silence);
    // A part of what is searched for: the next one may come as soon.
    if (message.kind === "survey") {
      this.#period = PERIOD_MS;
      if (this.#pumping && this.#timer) this.#wait(PERIOD_MS);
    }
    this.update();
  }

  /** Answers come in order: that of a question, while a command before it has none, shows that the command's was dropped. */
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
    if (this.#question && this.host.clock() - this.#question.at >= this.#patience) {
      this.#question = null;
      this.#patience = Math.min(2 * this.#patience, MOST_MS);
    }
    if (!this.#question) {
      const seq = this.host.pump();
      if (seq !== null) this.#question = { seq, at: this.host.clock() };
      // What is searched for may take long, or never come.
      this.#period = this.host.running() ? PERIOD_MS : Math.min(2 * this.#period, MOST_MS);
    }
    this.#wait(this.#period);
  }

  #stop(): void {
    this.#timer?.();
    this.#timer = null;
    this.#question = null;
    this.#patience = LOST_MS;
    this.#period = PERIOD_MS;
    this.#pumping = false;
  }
}
