// Saving what a panel shows, and the dialog of the code.
import { describe, expect, it } from "vitest";
import { frame, mountEach } from "../support/helpers";
import { contextMenu } from "../support/menu";
import { tabs } from "../support/tabs";

const view = mountEach({ width: [2, 3, 1], steps: 10 });
const { open } = tabs(view);
const { item } = contextMenu(view);

const opener = (panel: string) => view.root.querySelector<HTMLElement>(`${panel} [data-kw-action=save-panel]`)!;
const exported = () => view.commands("export").map((one) => (one as unknown as { format: string }).format);
const kinds = () => view.all(".kw-context [role=menuitem]").map((node) => node.textContent);

describe("the open tab", () => {
  it("saves figures and a table of what it shows", () => {
    expect(opener(".kw-tabs").title).toBe("Save: Error");
    for (const [tab, name] of [
      ["curves", "errors"],
      ["parity", "fit"],
      ["surface", "surface"],
    ] as const) {
      open(tab);
      opener(".kw-tabs").click();
      expect(kinds()).toEqual(["SVG figure", "PDF figure", "PNG figure", "CSV table"]);
      item("save-pdf").click();
      expect(exported().at(-1)).toBe(`${name}.pdf`);
    }
  });

  it("saves a table alone where there is no figure", () => {
    open("edges");
    opener(".kw-tabs").click();
    expect(kinds()).toEqual(["CSV table"]);
    item("save-csv").click();
    expect(exported()).toEqual(["network.csv"]);
  });

  it("saves nothing without a kernel", () => {
    view.explorer.store.setLink("lost");
    frame();
    expect(opener(".kw-tabs").hidden).toBe(true);
  });
});

it("the inspector saves the curve of the selected edge", () => {
  view.click('[data-kw-edge="0-0-1"]');
  opener(".kw-inspector").click();
  item("save-svg").click();
  expect(exported()).toEqual(["edge.svg"]);
});
