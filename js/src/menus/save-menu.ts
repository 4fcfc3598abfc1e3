// A button that saves what a panel shows: a figure for a paper, or a table.
import type { Context } from "../state/context";
import { button } from "../ui/controls";
import { attrs } from "../ui/dom";
import type { Registry } from "../ui/listeners";
import { ContextMenu, type Entries } from "./context-menu";

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
  const opener = button({
    action: "save-panel",
    small: true,
    label: "Save",
    icon: "export",
    iconOnly: true,
    attrs: { "aria-haspopup": "menu" },
  });
  const menu = new ContextMenu();
  const entries = (): Entries => {
    const { panel, noFigure } = saved()!;
    const kinds = [...(noFigure ? [] : FIGURES), ["csv", "CSV table"] as const];
    return kinds.map(([suffix, label]) => ({
      action: `save-${suffix}`,
      label,
      run: () => act.exportAs(`${panel}.${suffix}`),
    }));
  };
  registry.add(() => menu.close(false));
  registry.listen(opener, "click", () =>
    menu.open(opener, null, opener.title, { entries, subject: () => saved()?.panel ?? "" }),
  );
  const draw = () => {
    const what = saved();
    opener.hidden = what === null || !act.hasKernel;
    if (what) attrs(opener, { title: `Save: ${what.label}`, "aria-label": `Save: ${what.label}` });
  };
  return { node: opener, draw };
}
