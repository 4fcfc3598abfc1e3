// The cards of the candidates, one per primitive. Cards are reused for every edge: building one costs more than updating it.
import type { Context } from "../state/context";
import { h, setChildren } from "../ui/dom";
import type { Registry } from "../ui/listeners";
import { Card, type Shared, sharedBy } from "./candidate-card";

export class CardList {
  readonly node = h("div", { class: "kw-cards kw-fill kw-scroll", role: "list", "aria-label": "Candidates" });
  #cards = new Map<string, Card>();
  #shared: Shared | null = null;
  #scrolled = false;

  constructor(
    private readonly context: Context,
    private readonly registry: Registry,
  ) {
    registry.listen(this.node, "scroll", () => {
      this.#scrolled = true;
    });
  }

  /** Primitives of the visible cards, in order. */
  get names(): string[] {
    return [...this.node.children].map((card) => card.getAttribute("data-kw-candidate") ?? "");
  }

  /** Scrolls to the first card; skipped when not scrolled, because reading or setting the position costs a layout. */
  top(): void {
    if (this.#scrolled) this.node.scrollTo(0, 0);
    this.#scrolled = false;
  }

  /** Measures all cards again, after the width of the cards has changed. */
  resized(): void {
    for (const card of this.#cards.values()) card.fresh = true;
  }

  draw(names: string[]): void {
    const { candidates, fits } = this.context.store.state;
    if (this.#shared?.fits !== fits) this.#shared = sharedBy(fits);
    const index = new Map(candidates.rows.map(({ name }, i) => [name, i]));
    const cards = names.map((name, i) => {
      const card = this.#cards.get(name) ?? new Card(name);
      this.#cards.set(name, card);
      card.draw(this.context, index.get(name)!, i === 0, this.#shared);
      return card;
    });
    setChildren(
      this.node,
      cards.map((card) => card.node),
    );
    if (cards.some((card) => card.fresh)) this.registry.settled(() => this.#measure());
  }

  /** Reads all widths before writing any: alternating costs one layout per card. */
  #measure(): void {
    const due = [...this.#cards.values()].filter((card) => card.due);
    const wide = due.map((card) => card.wide);
    for (const [i, card] of due.entries()) card.fade(wide[i]!);
  }
}
