// The tabs, one row each.
import { FORMS } from "../formula/forms-panel";
import { WORDS } from "../text/words";
import { curves } from "./curves";
import { discovery } from "./discovery/discovery";
import { DISCOVERY } from "./discovery/panel";
import { edgesTable } from "./edges-table";
import { formulaTab } from "./formula";
import { front } from "./front/front";
import { FRONT } from "./front/panel";
import { PARITY, parity } from "./parity";
import { surface } from "./surface";
import { SURFACE } from "./surface-panel";
import type { Tab } from "./tabs";

/** Classes have no line to lie on: what is shown is which of them are taken for which. */
const fitWord: Tab["label"] = ({ store }) => (store.state.status.accuracy !== undefined ? WORDS.confusion : WORDS.fit);

export const TABS: readonly Tab[] = [
  { name: "curves", label: WORDS.error, make: curves, saves: "errors" },
  { name: "parity", label: fitWord, make: parity, panel: PARITY, tall: true, saves: "fit" },
  { name: "surface", label: "Surface", make: surface, panel: SURFACE, tall: true, saves: "surface" },
  { name: "formula", label: "Formula", make: formulaTab, panel: FORMS, tall: true },
  { name: "discovery", label: WORDS.discovery, make: discovery, panel: DISCOVERY, tall: true },
  { name: "edges", label: "Edges", make: edgesTable, tall: true, saves: "network", noFigure: true },
  { name: "front", label: "Front", make: front, panel: FRONT, bare: true, compares: true, tall: true, saves: "front" },
];

/** The panels that this page understands. */
export const PANELS = TABS.flatMap(({ panel }) => panel ?? []);
