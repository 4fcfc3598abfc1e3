// A text field that never keeps what isn't in force: a wrong value is explained at once, and gone once the field is left.
import { activeIn, attrs, h, setText } from "./dom";
import type { Registry } from "./listeners";

const SHOWN_MS = 4000;

interface Use {
  /** Takes a typed text; false where it isn't a value that is allowed. */
  read(text: string): boolean;
  /** The value in force, as the field shows it. */
  inForce(): string;
  /** What the field takes: "λ: 0 to 10". */
  complaint: string;
}

export class CheckedField {
  readonly #why = h("span", { class: "kw-why kw-box kw-fine", "aria-live": "polite", hidden: true });
  #cancel: (() => void) | null = null;

  constructor(
    readonly field: HTMLInputElement,
    private readonly registry: Registry,
    /** Its place, which the explanation hangs below. */
    place: HTMLElement,
  ) {
    place.classList.add("kw-anchor");
    place.append(this.#why);
  }

  get active(): boolean {
    return this.field === activeIn(this.field);
  }

  listen(use: Use): void {
    const { field, registry } = this;
    const read = () => {
      const good = field.value === use.inForce() || use.read(field.value);
      attrs(field, { "aria-invalid": good ? null : "true" });
      this.#explain(good ? "" : use.complaint);
      return good;
    };
    registry.listen(field, "change", read);
    // Notebooks suppress the `change` event of Enter.
    registry.listen(field, "keydown", (event) => {
      if (event.key === "Enter") read();
      if (event.key !== "Escape" || field.value === use.inForce()) return;
      // The first Escape takes back what was typed.
      this.show(use.inForce());
      event.preventDefault();
      event.stopPropagation();
    });
    registry.listen(field, "blur", () => {
      if (read()) return;
      const value = use.inForce();
      this.show(value);
      this.#explain(`${use.complaint}. It stays ${value}.`);
    });
  }

  /** Shows a value that is in force, or about to be. */
  show(text: string): void {
    if (this.field.value !== text) this.field.value = text;
    attrs(this.field, { "aria-invalid": null });
    this.#explain("");
  }

  #explain(text: string): void {
    setText(this.#why, text);
    this.#why.hidden = text === "";
    this.#cancel?.();
    this.#cancel = text === "" ? null : this.registry.timeout(() => this.#explain(""), SHOWN_MS);
  }
}
