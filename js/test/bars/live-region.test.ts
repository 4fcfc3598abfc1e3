// Announcements to screen readers.
import { describe, expect, it, vi } from "vitest";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("voice", () => {
  const said = () => view.find("[data-kw-voice]").textContent;
  it("speaks states, not steps", () => {
    expect(said()).toBe("");
    view.kernel.running = true;
    view.kernel.tick();
    frame();
    expect(said()).toBe("training");
    view.kernel.tick();
    frame();
    expect(said()).toBe("training");
    view.kernel.running = false;
    view.deliver("status", { status: view.kernel.status() });
    expect(said()).toBe("paused at step 16");
    view.click('[data-kw-edge="0-0-0"]');
    expect(said()).toBe("x₁ to h₁,₁ selected, spline");
  });

  it("speaks again what is copied again", async () => {
    vi.stubGlobal("navigator", { clipboard: { writeText: async () => {} } });
    const copy = async () => {
      view.click('[data-kw-action="copy-latex"]');
      for (let i = 0; i < 4; i++) await Promise.resolve();
      frame();
      return said();
    };
    const both = [await copy(), await copy()];
    vi.unstubAllGlobals();
    expect(both.map((words) => words?.trim())).toEqual(["LaTeX copied", "LaTeX copied"]);
    expect(both[0]).not.toBe(both[1]);
  });
});
