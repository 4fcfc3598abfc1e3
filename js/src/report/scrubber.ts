// The recorded training under a slider: drawn at the foot of a saved page, moved by hand, by keys, or by itself.

import { pretty } from "../text/format";
import { button } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { setIcon } from "../ui/icons";
import { Registry } from "../ui/listeners";

interface ScrubberSpec {
  /** Of every shot its step, and what is done next; null where that is just another step. */
  shots: readonly { step: number; label: string | null }[];
  /** Shows a shot. */
  show(index: number): void;
}

interface Scrubber {
  node: HTMLElement;
  destroy(): void;
}

const PLAY = "Play the training";
/** How long it plays, and how long a picture stays for somebody who wants no motion. */
const FILM_MS = 9000;
const STILL_MS = 1200;
/** Pictures in a film without motion. */
const STILLS = 8;

const still = (): boolean => globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;

export function scrubber(spec: ScrubberSpec): Scrubber {
  const registry = new Registry();
  const parts = controls(spec.shots);
  const hand = new Hand(spec, parts, registry);
  registry.listen(parts.play, "click", () => hand.toggle());
  registry.listen(parts.range, "input", () => hand.move(Number(parts.range.value)));
  registry.listen(parts.before, "click", () => hand.jump(-1));
  registry.listen(parts.after, "click", () => hand.jump(1));
  return {
    node: parts.node,
    destroy: () => {
      registry.destroy();
      parts.node.remove();
    },
  };
}

type Parts = ReturnType<typeof controls>;

function controls(shots: ScrubberSpec["shots"]) {
  const last = shots.length - 1;
  const play = button({ label: PLAY, icon: "play", iconOnly: true, action: "play" });
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
  for (const [i, { label }] of shots.entries())
    if (label !== null) marks.append(h("i", { style: `left:${(100 * i) / last}%` }));
  const before = button({ label: "Previous act", icon: "left", iconOnly: true, action: "previous-act" });
  const after = button({ label: "Next act", icon: "right", iconOnly: true, action: "next-act" });
  const words = h("span", { class: "kw-film-words kw-fine kw-dim" });
  const node = h(
    "div",
    { class: "kw-row kw-film", role: "group", "aria-label": "Recorded training", "data-kw-panel": "film" },
    play,
    h("div", { class: "kw-film-track kw-fill" }, marks, range),
    before,
    after,
    words,
  );
  return { node, play, range, before, after, words };
}

class Hand {
  #at: number;
  readonly #last: number;
  /** The start, where acts begin, and the end. */
  readonly #places: number[];
  #cancel: (() => void) | null = null;

  constructor(
    private readonly spec: ScrubberSpec,
    private readonly parts: Parts,
    private readonly registry: Registry,
  ) {
    this.#at = this.#last = spec.shots.length - 1;
    const acts = spec.shots.flatMap(({ label }, i) => (label === null ? [] : [i]));
    this.#places = [0, ...acts, this.#last];
    for (const one of [parts.before, parts.after]) one.hidden = acts.length === 0;
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
    this.#cancel = this.registry.timeout(() => this.#tick(), still() ? STILL_MS : 250);
  }

  move(to: number): void {
    this.#stop();
    this.#go(to);
  }

  /** To the act before or after. */
  jump(way: -1 | 1): void {
    const places = this.#places;
    const before = places.filter((place) => place < this.#at).at(-1) ?? 0;
    this.move(way < 0 ? before : (places.find((place) => place > this.#at) ?? this.#last));
  }

  #go(to: number): void {
    const next = Math.max(0, Math.min(this.#last, to));
    if (next === this.#at) return;
    this.#at = next;
    this.#label();
    this.spec.show(next);
  }

  #tick(): void {
    const few = still();
    this.#go(this.#at + (few ? Math.max(1, Math.round(this.#last / STILLS)) : 1));
    const wait = few ? STILL_MS : Math.max(33, FILM_MS / this.#last);
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
    const { range, words, before, after } = this.parts;
    const { step, label } = this.spec.shots[this.#at]!;
    const place = this.#at === this.#last ? "the end" : label === null ? "" : `before ${pretty(label)}`;
    const text = `step ${step.toLocaleString("en-US")}${place ? ` · ${place}` : ""}`;
    setText(words, text);
    range.value = String(this.#at);
    range.style.setProperty("--kw-part", String(this.#at / this.#last));
    attrs(range, { "aria-valuetext": text.replace(" · ", ", "), "data-kw-value": step });
    attrs(before, { disabled: this.#at === 0 });
    attrs(after, { disabled: this.#at === this.#last });
  }
}
