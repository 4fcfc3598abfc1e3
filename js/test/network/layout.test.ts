import { describe, expect, it } from "vitest";
import { MAX_WIRES, tiers } from "../../src/network/detail-levels";
import { distance, layout, pillWidth, wirePath } from "../../src/network/layout";
import { FakeKernel } from "../fake/kernel";

function arranged(
  width: (number | [number, number])[],
  size: number,
  showPruned = true,
  change?: (kernel: FakeKernel) => void,
) {
  const kernel = new FakeKernel({ width });
  change?.(kernel);
  const structure = kernel.structure();
  const placed = tiers({ edges: structure.edges, importance: kernel.strength, width: size, showPruned });
  return { structure, tiers: placed, ...layout(structure, placed, size, 430) };
}

describe("levels of detail", () => {
  it("every edge of [2, 5, 1] has its thumbnail at 440 px", () => {
    expect(new Set(arranged([2, 5, 1], 440).tiers)).toEqual(new Set(["thumb"]));
  });

  it("a narrow layer keeps the thumbnails of the most important", () => {
    const { tiers: placed, structure } = arranged([2, 5, 1], 200);
    const first = placed.filter((_, i) => structure.edges[i]!.key[0] === 0);
    expect(first.filter((tier) => tier === "thumb").length).toBe(5);
    expect(first.filter((tier) => tier === "wire").length).toBe(5);
  });

  it("500 edges are at most 150 separate ones", () => {
    const { tiers: placed } = arranged([20, 24, 1], 600);
    expect(placed.filter((tier) => tier === "thumb" || tier === "wire").length).toBe(MAX_WIRES);
    expect(placed.filter((tier) => tier === "merged").length).toBe(504 - MAX_WIRES);
  });

  it("pruned edges can be hidden, and give way first", () => {
    const prune = (kernel: FakeKernel) => kernel.setState(3, "pruned");
    expect(arranged([2, 5, 1], 440, false, prune).tiers[3]).toBe("hidden");
    expect(arranged([2, 5, 1], 350, true, prune).tiers[3]).toBe("merged");
    expect(arranged([2, 5, 1], 350, true, prune).tiers.filter((tier) => tier === "thumb").length).toBe(14);
  });
});

describe("names of inputs", () => {
  const COLUMNS = [
    "mdot [kg/s]",
    "D [mm]",
    "p_in [Pa]",
    "p_out [Pa]",
    "conductivity",
    "roughness [um]",
    "T [K]",
    "batch",
  ];
  const inputs = (names: string[], width: number) => {
    const { nodes } = arranged([names.length, 1], width, true, (kernel) => {
      names.forEach((name, i) => {
        kernel.nodes[i]!.name = name;
      });
    });
    return nodes.filter(({ info }) => info.key[0] === 0);
  };

  it.each([500, 600])("of twelve letters are read in two rows at %i px, without units", (width) => {
    const placed = inputs(COLUMNS, width);
    const names = ["mdot", "D", "p_in", "p_out", "conductivity", "roughness", "T", "batch"];
    expect(placed.map(({ text }) => text)).toEqual(names);
    expect(new Set(placed.map(({ y }) => y)).size).toBe(2);
    // In one row no name lies over the next one, and no wire of the lower row ends under an upper one.
    for (const a of placed)
      for (const b of placed)
        if (a !== b && a.y <= b.y) {
          const free = Math.abs(a.x - b.x) - pillWidth(a.text) / 2 - (a.y === b.y ? pillWidth(b.text) / 2 : 0);
          expect(free, `${a.text}, ${b.text}`).toBeGreaterThan(0);
        }
  });

  it("stay apart where they are cut, and have their units where only these differ", () => {
    const texts = inputs(["temperature_in", "temperature_out", "p [Pa]", "p [bar]"], 150).map(({ text }) => text);
    expect(new Set(texts).size).toBe(4);
    expect(inputs(["p [Pa]", "p [bar]"], 400).map(({ text }) => text)).toEqual(["p [Pa]", "p [bar]"]);
  });

  it("stand in one row where they have room, and thumbnails always do", () => {
    expect(new Set(inputs(["x_1", "x_2", "x_3"], 400).map(({ y }) => y)).size).toBe(1);
    const { edges } = arranged([8, 1], 500, true, (kernel) => {
      COLUMNS.forEach((name, i) => {
        kernel.nodes[i]!.name = name;
      });
    });
    expect(new Set(edges.map(({ box }) => box.y)).size).toBe(1);
  });
});

describe("layout", () => {
  it("inputs stand below, outputs above, everything inside", () => {
    const { nodes, edges, width, height } = arranged([2, 5, 1], 440);
    const y = (layer: number) => nodes.find(({ info }) => info.key[0] === layer)!.y;
    expect(y(0)).toBeGreaterThan(y(1));
    expect(y(1)).toBeGreaterThan(y(2));
    for (const node of nodes) {
      expect(node.x).toBeGreaterThan(0);
      expect(node.x).toBeLessThan(width);
      expect(node.y).toBeLessThan(height);
    }
    for (const { box } of edges) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.w).toBeLessThanOrEqual(width);
    }
  });

  it("thumbnails of a layer do not overlap", () => {
    const { edges, structure } = arranged([3, [2, 2], 2], 760);
    for (const layer of [0, 1]) {
      const boxes = edges.filter(({ index }) => structure.edges[index]!.key[0] === layer).map(({ box }) => box);
      boxes.sort((a, b) => a.x - b.x);
      boxes.forEach((box, i) => {
        if (i > 0) expect(box.x).toBeGreaterThanOrEqual(boxes[i - 1]!.x + boxes[i - 1]!.w);
      });
    }
  });

  it("a product has one port a factor, and wires end there", () => {
    const { nodes, edges, structure } = arranged([2, [0, 1], 1], 440);
    const product = nodes.find(({ info }) => info.kind === "product")!;
    expect(product.ports.length).toBe(2);
    const ends = edges.filter(({ index }) => structure.edges[index]!.key[0] === 0).map(({ target }) => target);
    expect(new Set(ends.map(String))).toEqual(new Set(product.ports.map(String)));
  });

  it("deep networks grow in height instead of being squeezed", () => {
    expect(arranged([2, 2, 2, 2, 2, 2, 2, 1], 440).height).toBeGreaterThan(430);
  });

  it("one edge and none are fine", () => {
    expect(arranged([1, 1], 300).edges.length).toBe(1);
    const empty = { width: [], k: 3, grid: 1, nodes: [], edges: [], n_parameters: 0 };
    expect(layout(empty, [], 300, 200).nodes).toEqual([]);
  });
});

it("a wire is hit on its own curve", () => {
  const edge = arranged([2, 5, 1], 440).edges[3]!;
  const [x0, y0] = edge.source;
  const [x1, y1] = edge.target;
  expect(distance(edge, (x0 + x1) / 2, (y0 + y1) / 2)).toBeLessThan(0.5);
  expect(distance(edge, x0, y0)).toBeLessThan(0.5);
  expect(distance(edge, x1, y0 + 50)).toBe(Number.POSITIVE_INFINITY);
  expect(wirePath(edge, true).match(/M/g)?.length).toBe(2);
  expect(wirePath(edge, false).match(/M/g)?.length).toBe(1);
});
