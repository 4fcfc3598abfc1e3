// Nodes: reached by keys, named, with a menu of their own.
import { describe, expect, it } from "vitest";
import { frame, mount, mountEach } from "../support/helpers";
import { contextMenu } from "../support/menu";

const view = mountEach({ width: [2, 5, [1, 1], 1], steps: 10 });

const { right, focus, press } = contextMenu(view);

describe("nodes", () => {
  it("are reached by arrow keys, and stay one tab stop with the edges", () => {
    const stops = () =>
      view.all('.kw-network svg [tabindex="0"]').map((one) => one.dataset.kwEdge ?? one.dataset.kwNode);
    view.key(focus('[data-kw-edge="0-0-0"]'), "ArrowUp");
    expect(stops()).toEqual(["1-0"]);
    view.key(view.find('[data-kw-node="1-0"]'), "ArrowRight");
    expect(stops()).toEqual(["1-1"]);
    view.key(view.find('[data-kw-node="1-1"]'), "ArrowUp");
    expect(stops()[0]).toMatch(/^1-1-/);
    view.key(view.find(`[data-kw-edge="${stops()[0]}"]`), "ArrowDown");
    view.key(view.find('[data-kw-node="1-1"]'), "ArrowDown");
    expect(stops()[0]).toMatch(/^0-\d-1/);
  });

  it("are named in words", () => {
    const label = (key: string) => view.find(`[data-kw-node="${key}"]`).getAttribute("aria-label");
    expect(label("1-2")).toBe("h₁,₃, sum node, 2 edges in, 3 out");
    expect(label("2-1")).toContain("product node");
  });

  it("grow and shrink their layer", () => {
    for (const action of ["add-sum", "add-product"]) {
      right('[data-kw-node="1-2"] rect');
      press(action);
    }
    right('[data-kw-node="1-2"] rect');
    press("remove-node");
    expect(view.commands("add_node")).toMatchObject([
      { level: 1, product: false },
      { level: 1, product: true },
    ]);
    expect(view.commands("prune")).toMatchObject([{ node: [1, 2] }]);
  });

  it("inputs and outputs take their logarithm instead", () => {
    right('[data-kw-node="0-1"] rect');
    expect(view.root.querySelector('[data-kw-action="remove-node"]')).toBeNull();
    press("use-log");
    expect(view.commands("use_log")).toMatchObject([{ names: [expect.any(String)], toggle: true }]);
  });

  it("Enter and a click select their edges; a click with Shift and Shift+Space add them", () => {
    view.key(focus('[data-kw-node="1-2"]'), "Enter");
    expect((view.commands("select").at(-1) as unknown as { edges: number[][] }).edges.length).toBe(5);
    view.click('[data-kw-node="0-0"] rect', { shiftKey: true });
    expect((view.commands("select").at(-1) as unknown as { edges: number[][] }).edges.length).toBe(9);
    view.key(focus('[data-kw-node="0-1"]'), " ", { shiftKey: true });
    expect((view.commands("select").at(-1) as unknown as { edges: number[][] }).edges.length).toBe(13);
  });

  it("pointing at one lights up its edges", () => {
    view.find('[data-kw-node="1-2"] rect').dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    expect(view.all("[data-kw-edge][data-hover]").length).toBe(5);
    expect(view.find('[data-kw-node="1-2"]').hasAttribute("data-lit")).toBe(true);
  });

  it("an output that is a product looks like one", () => {
    const odd = mount({ width: [2, 2, [1, 1]], steps: 2 });
    const parts = (key: string) => odd.all(`[data-kw-node="${key}"] rect`).length;
    expect([parts("2-0"), parts("2-1")]).toEqual([1, 2]);
    expect(odd.find('[data-kw-node="2-1"]').getAttribute("aria-label")).toContain("product output");
  });
});
