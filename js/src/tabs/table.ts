// The tabs, one row each.
import { curves } from "./curves";
import { edgesTable } from "./edges-table";
import { front } from "./front";
import { parity } from "./parity";
import { surface } from "./surface";
import type { Tab } from "./tabs";

export const TABS: readonly Tab[] = [
  { name: "curves", label: "Curves", make: curves },
  { name: "parity", label: "Parity", make: parity, panel: "parity", tall: true },
  { name: "surface", label: "Surface", make: surface, panel: "surface", tall: true },
  { name: "edges", label: "Edges", make: edgesTable },
  { name: "front", label: "Front", make: front, compares: true, tall: true },
];
