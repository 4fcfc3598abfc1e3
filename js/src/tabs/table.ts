// The tabs, one row each.

import { FORMS } from "../formula/forms-panel";
import { curves } from "./curves";
import { edgesTable } from "./edges-table";
import { formulaTab } from "./formula";
import { front } from "./front";
import { PARITY, parity } from "./parity";
import { surface } from "./surface";
import { SURFACE } from "./surface-panel";
import type { Tab } from "./tabs";

export const TABS: readonly Tab[] = [
  { name: "curves", label: "Curves", make: curves },
  { name: "parity", label: "Parity", make: parity, panel: PARITY, tall: true },
  { name: "surface", label: "Surface", make: surface, panel: SURFACE, tall: true },
  { name: "formula", label: "Formula", make: formulaTab, panel: FORMS, tall: true },
  { name: "edges", label: "Edges", make: edgesTable, tall: true },
  { name: "front", label: "Front", make: front, compares: true, tall: true },
];

/** The panels that this page understands. */
export const PANELS = TABS.flatMap(({ panel }) => panel ?? []);
