// The keys of the explorer, one row each: from this table come the sheet behind "?" and the keys of the whole page.

export interface KeyRow {
  /** Keys as people read them. */
  keys: string;
  text: string;
  /** Where it works. */
  where: "Anywhere" | "In the network" | "In menus, tabs and plots";
}

export const KEYS = {
  run: { keys: "Space", text: "Start or pause the training", where: "Anywhere" },
  undo: { keys: "Ctrl Z", text: "Undo", where: "Anywhere" },
  redo: { keys: "Ctrl Shift Z", text: "Redo", where: "Anywhere" },
  sheet: { keys: "?", text: "This list", where: "Anywhere" },
  leave: {
    keys: "Esc",
    text: "Close what is open, then select nothing, then back to the notebook",
    where: "Anywhere",
  },
  move: { keys: "← → ↑ ↓", text: "Go along edges and nodes", where: "In the network" },
  select: { keys: "Enter", text: "Select the edge, or all edges of the node", where: "In the network" },
  add: { keys: "Shift Space", text: "Add it to the selection", where: "In the network" },
  prune: { keys: "Delete", text: "Prune the selected edges", where: "In the network" },
  menu: { keys: "Shift F10", text: "Its menu", where: "In the network" },
  through: { keys: "← → ↑ ↓", text: "Go through them; Enter or Space chooses", where: "In menus, tabs and plots" },
} as const satisfies Record<string, KeyRow>;
