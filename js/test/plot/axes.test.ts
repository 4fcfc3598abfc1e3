// Titles of axes: whole, on two lines where one is too short.
import { expect, it } from "vitest";
import { axes, marksOf } from "../../src/plot/axes";
import { ticks } from "../../src/plot/scales";

const LONG = "predicted rate [mol/(L s)]";
const drawn = (width: number) => {
  const range: [number, number] = [0, 1];
  const { nodes, top, bottom } = axes(
    { width, height: 200 },
    { x: { range, name: "true rate [mol/(L s)]" }, y: { range, name: LONG } },
  );
  return { texts: nodes.map((node) => node.textContent), top, bottom };
};

it("have room of their own beside and above the plot", () => {
  const [wide, narrow] = [drawn(400), drawn(140)];
  for (const { texts } of [wide, narrow]) {
    expect(texts).toContain(LONG);
    expect(texts).toContain("true rate [mol/(L s)]");
  }
  expect([narrow.top - wide.top, wide.bottom - narrow.bottom]).toEqual([12, 12]);
});

it("have two ticks at least, since a single one shows no scale", () => {
  expect(ticks(0.96, 1.04, 2)).toEqual([1]);
  expect(marksOf([0.96, 1.04], 2).values).toEqual([0.96, 0.98, 1, 1.02, 1.04]);
});
