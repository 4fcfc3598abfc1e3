// The table of edges.
import { beforeEach, describe, expect, it } from "vitest";
import { variable } from "../../src/text/format";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("table of edges", () => {
  beforeEach(() => view.click('[data-kw-tab="edges"]'));
  const column = (i: number) =>
    view.all('[data-kw-panel="edges"] tbody tr').map((row) => (row as HTMLTableRowElement).cells[i]!.textContent);

  it("has every edge, sorts, and selects", () => {
    expect(column(0).length).toBe(15);
    const values = column(3).map(Number);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    view.click('[data-sort="importance"]');
    expect(column(3).map(Number)).toEqual(values.reverse());
    expect(view.all("[aria-sort=ascending]").length).toBe(1);
    expect(column(0)).toContain("x₂ → h₁,₂");
    // As in the formula: by layer, target and source, from 1 on.
    expect([...column(1)].sort()).toEqual(Array.from({ length: 15 }, (_, i) => variable(`f_${i + 1}`)).sort());
    expect(column(1)[column(0).indexOf("x₂ → h₁,₁")]).toBe("f₂");
    view.find('[data-row="1-2-0"] button').click();
    frame();
    expect(view.commands("select")).toMatchObject([{ edges: [[1, 2, 0]] }]);
  });

  it("has in a title what a column may cut", () => {
    const row = view.find<HTMLTableRowElement>('[data-row="0-0-0"]');
    Object.assign(view.explorer.store.state.structure.edges[0]!, { best: "sin", best_r2: 0.99999963 });
    view.deliver("settings", { settings: view.kernel.settings() });
    view.click('[data-sort="r2"]');
    expect([4, 5].map((i) => row.cells[i]!.title)).toEqual(["sin", "0.99999963"]);
    expect(row.cells[5]!.textContent).toBe("0.99999");
  });
});
