// The states as marks of error against size, and which of them are the front.

import type { MathNode } from "../../protocol/messages";
import { comparable, errorOf, labelOf } from "../../state/errors";
import type { Store } from "../../state/store";
import { inLine, pretty } from "../../text/format";
import { FRONT } from "./panel";

export interface Mark {
  id: number;
  /** Of the mark: a state may have its network's, and that of its fitted law. */
  key: string;
  /** Whether it is the fitted law of the state. */
  law: boolean;
  /** Whether the state's own law is as good within the noise: its network then says nothing more. */
  beaten: boolean;
  label: string;
  step: number;
  size: number;
  error: number;
  kept: boolean;
  /** Its formula in a line, or how far it is one; "" while the kernel has not sent it. */
  text: string;
  formula: MathNode | null;
}

/** The states that can be drawn, simplest first, then the most accurate. */
export function marksOf(store: Store): Mark[] {
  const panel = store.panel(FRONT)?.payload;
  const formulas = new Map(panel?.states.map((row) => [row.id, row]));
  const laws = panel?.laws ?? [];
  return comparable(store.state.history)
    .flatMap((state): Mark[] => {
      const mark = {
        id: state.id,
        key: String(state.id),
        law: false,
        beaten: laws.some((law) => law.id === state.id && law.as_good),
        label: pretty(labelOf(store, state)),
        step: state.step,
        size: state.complexity ?? -1,
        error: errorOf(store, state) ?? 0,
        kept: state.kept ?? true,
        text: formulas.get(state.id)?.text ?? "",
        formula: formulas.get(state.id)?.formula ?? null,
      };
      return [
        mark,
        ...laws
          .filter(({ id }) => id === state.id)
          .map((law) => ({ ...mark, ...law, key: `${law.id}-law`, label: "fitted law", law: true, beaten: false })),
      ];
    })
    .filter(({ size, error }) => size >= 0 && error > 0)
    .sort((a, b) => a.size - b.size || a.error - b.error);
}

/** The Pareto front: marks that no smaller mark beats. */
export const paretoOf = (marks: readonly Mark[]): Mark[] => {
  let lowest = Number.POSITIVE_INFINITY;
  return marks.filter(({ error, beaten }) => {
    const better = error < lowest && !beaten;
    if (better) lowest = error;
    return better;
  });
};

/** The most accurate mark of each size, the most accurate first. */
export function bestOfEach(marks: readonly Mark[]): Mark[] {
  const best = new Map<number, Mark>();
  for (const mark of marks) if (!mark.beaten && !best.has(mark.size)) best.set(mark.size, mark);
  return [...best.values()].sort((a, b) => a.error - b.error || a.size - b.size);
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Label of a mark, beside it. */
export interface Label extends Box {
  mark: Mark;
}

const DOT = 8;
const HEIGHT = 13;
const apart = (a: Box, b: Box): boolean =>
  a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;

/** A short name of a mark: its formula where there is room for one. */
export const nameOf = ({ text, label, formula }: Mark): string => (formula && text.length <= 34 ? inLine(text) : label);

/**
 * Places labels of the best marks where they cross neither a mark nor each other: right or left above, right or left
 * below. Labels without such a place are left out: the list and the readout have them.
 */
export function placeLabels(
  best: readonly Mark[],
  marks: readonly Mark[],
  at: (mark: Mark) => [number, number],
  area: Box,
): Label[] {
  const dots = marks.map((mark) => {
    const [x, y] = at(mark);
    return { left: x - DOT, right: x + DOT, top: y - DOT, bottom: y + DOT };
  });
  const placed: Label[] = [];
  // The most accurate first: they are what the reader is after.
  for (const mark of [...best].reverse()) {
    const [x, y] = at(mark);
    const long = nameOf(mark).length * 5.8;
    const places = [
      [x + DOT + 1, y - HEIGHT - 1],
      [x - DOT - 1 - long, y - HEIGHT - 1],
      [x + DOT + 1, y + 1],
      [x - DOT - 1 - long, y + 1],
      [x - long / 2, y - DOT - HEIGHT],
    ];
    const boxes = places.map(([left = 0, top = 0]) => ({ left, right: left + long, top, bottom: top + HEIGHT }));
    const free = boxes.find(
      (box) =>
        box.left >= area.left &&
        box.right <= area.right &&
        box.top >= area.top &&
        box.bottom <= area.bottom &&
        dots.every((dot) => apart(box, dot)) &&
        placed.every((other) => apart(box, other)),
    );
    if (free) placed.push({ ...free, mark });
  }
  return placed;
}
