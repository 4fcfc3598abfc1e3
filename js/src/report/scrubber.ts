// Slider through the film at the bottom of a saved page, moved by hand, by keys, or by playing.

import { pretty } from "../text/format";
import { iconButton } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { setIcon } from "../ui/icons";
import { Registry } from "../ui/listeners";

interface ScrubberSpec {
  /** Step of every frame, and the label of the next act; null if the next act is a step. */
  frames: readonly { step: number; label: string | null }[];
  /** Shows a frame. */
  show(index: number): void;
}

interface Scrubber {
  node: HTMLElement;
  destroy(): void;
}

const PLAY = "Play the training";
/** Duration of the film, and of a picture with reduced motion, in ms. */
const FILM_MS = 9000;
const REDUCED_MS = 1200;
/** Number of pictures with reduced motion. */
const REDUCED_FRAMES = 8;

const reducedMotion = (): boolean => globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;

export function scrubber(spec: ScrubberSpec): Scrubber {
  const registry = new Registry();
  const parts = controls(spec.frames);
  const hand = new Player(spec, parts, registry);
  registry.listen(parts.play, "click", () => hand.toggle());
  registry.listen(parts.range, "input", () => hand.move(Number(parts.range.value)));
  registry.listen(parts.previous, "click", () => hand.jump(-1));
  registry.listen(parts.next, "click", () => hand.jump(1));
  return {
    node: parts.node,
    destroy: () => {
      registry.destroy();
      parts.node.remove();
    },
  };
}

type Parts = ReturnType<typeof controls>;

function controls(frames: ScrubberSpec["frames"]) {
  const last = frames.length - 1;
  const play = iconButton("play", PLAY, "play");
  const range = h("input", {
    type: "range",
    min: 0,
    max: last,
    step: 1,
    value: last,
    "data-kw-control": "film",
    "aria-label": "Recorded training",
  });
  const marks = h("div", { class: "kw-film-marks", "aria-hidden": "true" });
  for (const [i, { label }] of frames.entries())
    if (label !== null) marks.append(h("i", { style: `left:${(100 * i) / last}%` }));
  const previous = iconButton("previous-act", "Previous act", "left");
  const next = iconButton("next-act", "Next act", "right");
  const caption = h("span", { class: "kw-film-words kw-fine kw-dim" });
  const node = h(
    "div",
    { class: "kw-row kw-film", role: "group", "aria-label": "Recorded training", "data-kw-panel": "film" },
    play,
    h("div", { class: "kw-film-track kw-fill" }, marks, range),
    previous,
    next,
    caption,
  );
  return { node, play, range, previous: previous, next: next, caption: caption };
}

class Player {
  #at: number;
  readonly #last: number;
  /** Frames before acts, first and last frame. */
  readonly #stops: number[];
  #cancel: (() => void) | null = null;

  constructor(
    private readonly spec: ScrubberSpec,
    private readonly parts: Parts,
    private readonly registry: Registry,
  ) {
    this.#at = this.#last = spec.frames.length - 1;
    const acts = spec.frames.flatMap(({ label }, i) => (label === null ? [] : [i]));
    this.#stops = [0, ...acts, this.#last];
    for (const control of [parts.previous, parts.next]) control.hidden = acts.length === 0;
    this.#label();
    this.#stop();
  }

  toggle(): void {
    if (this.#cancel) this.#stop();
    else this.#start();
  }

  #start(): void {
    if (this.#at === this.#last) this.#go(0);
    this.#name("pause", "Pause the training");
    this.#cancel = this.registry.timeout(() => this.#tick(), reducedMotion() ? REDUCED_MS : 250);
  }

  move(to: number): void {
    this.#stop();
    this.#go(to);
  }

  /** Goes to the previous or next act. */
  jump(direction: -1 | 1): void {
    const stops = this.#stops;
    const previous = stops.filter((stop) => stop < this.#at).at(-1) ?? 0;
    this.move(direction < 0 ? previous : (stops.find((stop) => stop > this.#at) ?? this.#last));
  }

  #go(to: number): void {
    const next = Math.max(0, Math.min(this.#last, to));
    if (next === this.#at) return;
    this.#at = next;
    this.#label();
    this.spec.show(next);
  }

  #tick(): void {
    const few = reducedMotion();
    this.#go(this.#at + (few ? Math.max(1, Math.round(this.#last / REDUCED_FRAMES)) : 1));
    const wait = few ? REDUCED_MS : Math.max(33, FILM_MS / this.#last);
    if (this.#at === this.#last) this.#stop();
    else this.#cancel = this.registry.timeout(() => this.#tick(), wait);
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#name("play", PLAY);
  }

  #name(icon: "play" | "pause", label: string): void {
    setIcon(this.parts.play, icon);
    attrs(this.parts.play, { "aria-label": label, title: label });
  }

  #label(): void {
    const { range, caption, previous, next } = this.parts;
    const { step, label } = this.spec.frames[this.#at]!;
    const stop = this.#at === this.#last ? "the end" : label === null ? "" : `before ${pretty(label)}`;
    const text = `step ${step.toLocaleString("en-US")}${stop ? ` · ${stop}` : ""}`;
    setText(caption, text);
    range.value = String(this.#at);
    range.style.setProperty("--kw-part", String(this.#at / this.#last));
    attrs(range, { "aria-valuetext": text.replace(" · ", ", "), "data-kw-value": step });
    attrs(previous, { disabled: this.#at === 0 });
    attrs(next, { disabled: this.#at === this.#last });
  }
}
