// The table of the candidates, one row a function. Rows are reused for every edge: building one costs more than updating it.
import type { Candidate } from "../protocol/messages";
import type { Context } from "../state/context";
import { number } from "../text/format";
import { h, setChildren } from "../ui/dom";
import type { Registry } from "../ui/listeners";
import { type Place, Row, WORSE } from "./candidate-row";
import { alsoText, type Fold } from "./folding";
import { type Shared, sharedBy } from "./small-plot";

/** Why the first one stands before others with less error: it is simpler, or its curve is the better one. */
export function reason([first, ...others]: readonly Candidate[]): string {
  const errorOf = (row?: Candidate) => row?.error ?? Number.POSITIVE_INFINITY;
  const [nearest] = [...others].sort((a, b) => errorOf(a) - errorOf(b));
  const [own, least] = [errorOf(first), errorOf(nearest)];
  if (!(least < own && own < Number.POSITIVE_INFINITY) || number(least) === number(own)) return "";
  if (own > WORSE * least) return "first by its curve, not by this error";
  return first!.complexity < nearest!.complexity
    ? "first: simpler, within the noise"
    : "first by its curve, within the noise";
}

export class CandidateList {
  readonly node = h("div", { class: "kw-candidates", role: "list", "aria-label": "Candidates" });
  #rows = new Map<string, Row>();
  #shared: Shared | null = null;
  /** Rows that show their details, and rows whose imitations are shown. */
  #open = new Set<string>();
  #unfolded = new Set<string>();

  constructor(
    private readonly context: Context,
    registry: Registry,
    private readonly redraw: () => void,
  ) {
    registry.listen(this.node, "click", (event) => this.#click(event.target as Element));
  }

  /** Primitives of the visible rows, in order. */
  get names(): string[] {
    return [...this.node.querySelectorAll("[data-kw-candidate]")].map(
      (row) => row.getAttribute("data-kw-candidate") ?? "",
    );
  }

  /** Folds and closes all rows, for another edge. */
  reset(): void {
    this.#open.clear();
    this.#unfolded.clear();
  }

  draw(folds: readonly Fold[]): void {
    const { candidates, fits } = this.context.store.state;
    if (this.#shared?.fits !== fits) this.#shared = sharedBy(fits);
    const xs = this.#shared?.xs;
    const width = xs ? xs.at(-1)! - xs[0]! : 0;
    const why = reason(folds.map(({ index }) => candidates.rows[index]!));
    const nodes = folds.flatMap((fold, i) => {
      const unfolded = this.#unfolded.has(candidates.rows[fold.index]!.name);
      const also = fold.imitations.length > 0 ? alsoText(candidates.rows, fold, width) : "";
      const imitations = unfolded ? fold.imitations : [];
      return [
        this.#row({ index: fold.index, best: i === 0, imitation: false, also, unfolded, why: i === 0 ? why : "" }),
        ...imitations.map((index) =>
          this.#row({ index, best: false, imitation: true, also: "", unfolded: false, why: "" }),
        ),
      ];
    });
    setChildren(this.node, nodes);
  }

  #row(place: Omit<Place, "open">): HTMLElement {
    const { name } = this.context.store.state.candidates.rows[place.index]!;
    const row = this.#rows.get(name) ?? new Row(name);
    this.#rows.set(name, row);
    row.draw(this.context, { ...place, open: this.#open.has(name) }, this.#shared);
    return row.node;
  }

  #click(target: Element): void {
    const pressed = target.closest("[data-kw-action]");
    const action = pressed?.getAttribute("data-kw-action");
    const name = target.closest("[data-kw-candidate]")?.getAttribute("data-kw-candidate");
    if (!name) return;
    if (action === "unfold") this.#flip(this.#unfolded, name);
    else if (action === "fix" || action === "fix-both") this.context.act.fix(name, action === "fix-both");
    else if (!target.closest(".kw-details")) this.#flip(this.#open, name);
  }

  #flip(names: Set<string>, name: string): void {
    if (!names.delete(name)) names.add(name);
    this.redraw();
  }
}
