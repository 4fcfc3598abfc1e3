// The tabs, one row each.
import { curves } from "./curves";
import { edgesTable } from "./edges-table";
import { front } from "./front";
import { FRONT } from "./front-panel";
import { PARITY, parity } from "./parity";
import { surface } from "./surface";
import { SURFACE } from "./surface-panel";
import type { Tab } from "./tabs";

export const TABS: readonly Tab[] = [
  { name: "curves", label: "Curves", make: curves },
  { name: "parity", label: "Parity", make: parity, panel: PARITY, tall: true },
  { name: "surface", label: "Surface", make: surface, panel: SURFACE, tall: true },
  { name: "edges", label: "Edges", make: edgesTable },
  { name: "front", label: "Front", make: front, panel: FRONT, bare: true, compares: true, tall: true },
];

/** The panels that this page understands. */
export const PANELS = TABS.flatMap(({ panel }) => panel ?? []);
