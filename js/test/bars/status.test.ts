// The line that says what the training does.
import { expect, it } from "vitest";
import { mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10 });

it("says what a running session does, to the eye and to the ear", () => {
  const status = { ...view.kernel.status(), state: "running" };
  const words = () => [".kw-status b", "[data-kw-voice]"].map((place) => view.find(place).textContent);
  view.deliver("status", { status: { ...status, process: "simplifying" } });
  expect(words()).toEqual(["simplifying", "simplifying"]);
  view.deliver("status", { status });
  expect(words()).toEqual(["training", "training"]);
});

it("says on how many rows it trains while they are a sample", () => {
  const status = { ...view.kernel.status(), state: "running", step: 12 };
  view.deliver("status", { status: { ...status, rows: [2000, 160000] } });
  expect(view.find(".kw-status").textContent).toContain("step 12on 2,000 of 160,000 rows");
  view.deliver("status", { status });
  expect(view.find(".kw-status").textContent).not.toContain("rows");
});
