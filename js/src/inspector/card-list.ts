// The cards of the candidates. They stay for their functions, whichever edge is looked at: building them anew costs more than
// what changes on them.
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

  /** The functions on the cards that are seen, in order. */
  get names(): string[] {
    return [...this.node.children].map((card) => card.getAttribute("data-kw-candidate") ?? "");
  }

  /** Back to the first card; asking where it is, or setting it, would cost a layout. */
  top(): void {
    if (this.#scrolled) this.node.scrollTo(0, 0);
    this.#scrolled = false;
  }

  /** Their places have another width. */
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

  /** All is read before anything is written: in turn, every card would cost a layout of all. */
  #measure(): void {
    const due = [...this.#cards.values()].filter((card) => card.due);
    const wide = due.map((card) => card.wide);
    for (const [i, card] of due.entries()) card.fade(wide[i]!);
  }
}
