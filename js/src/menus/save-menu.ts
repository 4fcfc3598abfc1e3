// A button that saves what a panel shows: a figure for a paper, or a table.
import type { Context } from "../state/context";
import { iconButton } from "../ui/controls";
import { attrs } from "../ui/dom";
import type { Registry } from "../ui/listeners";
import { type Entries, menuOf } from "./context-menu";

const FIGURES = [
  ["svg", "SVG figure"],
  ["pdf", "PDF figure"],
  ["png", "PNG figure"],
] as const;

/** What can be saved of a panel, by the names of the kernel's formats (`fit.pdf`). */
export interface Saved {
  panel: string;
  /** Name for people. */
  label: string;
  /** Only a table. */
  noFigure?: true | undefined;
}

export function saveMenu({ act }: Context, registry: Registry, saved: () => Saved | null) {
  const opener = iconButton("save-panel", "Save", "export", { small: true, attrs: { "aria-haspopup": "menu" } });
  const entries = (): Entries => {
    const { panel, noFigure } = saved()!;
    const kinds = [...(noFigure ? [] : FIGURES), ["csv", "CSV table"] as const];
    return kinds.map(([suffix, label]) => ({
      action: `save-${suffix}`,
      label,
      run: () => act.exportAs(`${panel}.${suffix}`),
    }));
  };
  menuOf(opener, registry, { entries, subject: () => saved()?.panel ?? "" });
  const draw = () => {
    const what = saved();
    opener.hidden = what === null || !act.hasKernel;
    if (what) attrs(opener, { title: `Save: ${what.label}`, "aria-label": `Save: ${what.label}` });
  };
  return { node: opener, draw };
}
