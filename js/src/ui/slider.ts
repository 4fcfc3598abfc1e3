// A slider for a setting of the kernel, with a number field. Movements are echoed at once and sent on release or after
// 150 ms of rest; `data-kw-value` has the value accepted by the kernel.
import { takes, typedNumber } from "../text/words";
import { CheckedField } from "./checked-field";
import { attrs, h } from "./dom";
import type { Registry } from "./listeners";

const REST_MS = 150;

interface SliderSpec {
  name: string;
  label: string;
  title: string;
  /** Values of the thumb's positions, increasing. */
  values: readonly number[];
  format(value: number): string;
  /** Whether a typed value may be sent. */
  allows(value: number): boolean;
  /** What `allows` allows, in words: "0 to 10". */
  range: string;
  /** Reads a typed text that is not just a number. */
  parse?(text: string): number;
  /** Shows a value while it changes (besides thumb and field). */
  echo?(value: number): void;
  /** Sends a value; the number of the command, or null without a kernel. */
  commit(value: number): number | null;
  /** Labels of the two ends, instead of a label and a number field. */
  ends?: [string, string];
  uid: string;
}

export interface Slider {
  node: HTMLElement;
  /** Takes the kernel's value and the number of the last acknowledged command; shows the value unless a newer one is on its way. */
  accept(value: number, lastAck: number): void;
  disable(yes: boolean): void;
}

/** Position whose value is nearest. */
function nearest(values: readonly number[], value: number): number {
  let best = 0;
  values.forEach((v, i) => {
    if (Math.abs(v - value) < Math.abs(values[best]! - value)) best = i;
  });
  return best;
}

export function slider(spec: SliderSpec, registry: Registry): Slider {
  const id = `${spec.uid}-${spec.name}`;
  const range = h("input", {
    type: "range",
    id,
    min: 0,
    max: spec.values.length - 1,
    step: 1,
    "data-kw-control": spec.name,
    title: spec.title,
    "aria-label": spec.ends ? spec.label : null,
  });
  const field = h("input", {
    type: "text",
    inputmode: "decimal",
    class: `kw-box kw-input kw-field kw-strong kw-${spec.name}`,
    autocomplete: "off",
    spellcheck: "false",
    "data-kw-field": spec.name,
    "aria-label": `${spec.label}, typed`,
  });
  const [startText, endText] = spec.ends ?? [spec.label, ""];
  const startLabel = spec.ends ? h("span", {}, startText) : h("label", { for: id, class: "kw-cut" }, startText);
  const node = h(
    "div",
    { class: "kw-row kw-slider kw-dim" },
    startLabel,
    range,
    spec.ends ? h("span", {}, endText) : field,
  );
  const hand = new SliderInput(spec, range, new CheckedField(field, registry, node), registry);
  return { node, accept: (value, lastAck) => hand.accept(value, lastAck), disable: (yes) => hand.disable(yes) };
}

class SliderInput {
  #dragging = false;
  #pending: number | null = null;
  /** The unacknowledged value: older answers must not pull the thumb back. */
  #sent: { value: number; seq: number } | null = null;
  #accepted: number | null = null;
  #cancel: (() => void) | null = null;

  constructor(
    private readonly spec: SliderSpec,
    private readonly range: HTMLInputElement,
    private readonly checked: CheckedField,
    private readonly registry: Registry,
  ) {
    registry.listen(range, "pointerdown", () => {
      this.#dragging = true;
    });
    for (const type of ["pointerup", "pointercancel", "blur"] as const)
      registry.listen(range, type, () => this.#release());
    registry.listen(range, "input", () => this.#move());
    // Keys raise `change` one by one without a pointer: they are sent after the rest.
    registry.listen(range, "change", () => {
      if (this.#dragging) this.#release();
    });
    checked.listen({
      read: (text) => this.#typed(text),
      inForce: () => (this.#accepted === null ? "" : spec.format(this.#sent?.value ?? this.#accepted)),
      complaint: takes(spec.label, spec.range),
    });
  }

  accept(value: number, lastAck: number): void {
    this.#accepted = value;
    if (this.#sent && lastAck >= this.#sent.seq) this.#sent = null;
    this.range.dataset.kwValue = String(value);
    if (!this.#dragging && !this.#sent && this.#pending === null) this.#show(value, !this.checked.active);
  }

  disable(yes: boolean): void {
    attrs(this.range, { disabled: yes });
    attrs(this.checked.field, { disabled: yes });
  }

  #move(): void {
    const value = this.spec.values[Number(this.range.value)] ?? 0;
    this.#pending = value;
    this.#show(value, true);
    this.spec.echo?.(value);
    this.#cancel?.();
    this.#cancel = this.registry.timeout(() => this.#commit(), REST_MS);
  }

  #release(): void {
    this.#dragging = false;
    this.#commit();
  }

  #commit(): void {
    this.#cancel?.();
    this.#cancel = null;
    const value = this.#pending;
    this.#pending = null;
    if (value === null || value === (this.#sent?.value ?? this.#accepted)) return;
    const seq = this.spec.commit(value);
    this.#sent = seq === null ? null : { value, seq };
  }

  /** Takes a typed text; false where it isn't a value that is allowed. */
  #typed(text: string): boolean {
    const value = this.spec.parse?.(text.trim()) ?? typedNumber(text);
    if (!Number.isFinite(value) || !this.spec.allows(value)) return false;
    this.#pending = value;
    this.#show(value, true);
    this.spec.echo?.(value);
    this.#commit();
    return true;
  }

  #show(value: number, withField: boolean): void {
    const text = this.spec.format(value);
    const at = nearest(this.spec.values, value);
    if (this.range.value !== String(at)) this.range.value = String(at);
    this.range.style.setProperty("--kw-part", String(at / Math.max(1, this.spec.values.length - 1)));
    attrs(this.range, { "aria-valuetext": text });
    if (!withField) return;
    this.checked.show(text);
  }
}

/** 0, then ten values a decade from 1e-7 to 10. */
export const LAMB_VALUES: readonly number[] = [
  0,
  ...Array.from({ length: 81 }, (_, i) => Number((10 ** (-7 + i / 10)).toPrecision(2))),
];

/** 1 to 200: every integer where a step matters, coarser where it does not. Any integer can be typed. */
export const GRID_VALUES: readonly number[] = [
  ...Array.from({ length: 20 }, (_, i) => i + 1),
  ...Array.from({ length: 10 }, (_, i) => 22 + 2 * i),
  ...Array.from({ length: 12 }, (_, i) => 45 + 5 * i),
  ...Array.from({ length: 10 }, (_, i) => 110 + 10 * i),
];

export const SIMPLICITY_VALUES: readonly number[] = Array.from({ length: 101 }, (_, i) => i / 100);
