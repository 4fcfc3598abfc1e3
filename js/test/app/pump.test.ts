import { describe, expect, it, vi } from "vitest";
import { aliveCount } from "../../src/ui/listeners";
import { mount, onFakeTime } from "../support/helpers";

onFakeTime();

function silent() {
  const view = mount({ width: [2, 5, 1], steps: 10 });
  view.kernel.running = true;
  view.kernel.push("status", { status: view.kernel.status() });
  view.kernel.silent = true;
  view.kernel.sent.length = 0;
  return view;
}

describe("pump", () => {
  it("asks after a second of silence, one question at a time", () => {
    const { commands } = silent();
    vi.advanceTimersByTime(900);
    expect(commands("pump").length).toBe(0);
    vi.advanceTimersByTime(200);
    expect(commands("pump")).toMatchObject([{ since: 10 }]);
    vi.advanceTimersByTime(1500);
    expect(commands("pump").length).toBe(1);
  });

  it("asks again when a question or its answer was lost, and less often when all are", () => {
    const { kernel, commands } = silent();
    vi.advanceTimersByTime(1100);
    expect(commands("pump").length).toBe(1);
    vi.advanceTimersByTime(2100);
    expect(commands("pump").length).toBe(2);
    vi.advanceTimersByTime(3500);
    expect(commands("pump").length).toBe(2);
    vi.advanceTimersByTime(700);
    expect(commands("pump").length).toBe(3);
    // A late answer to an older question does not count for the last one.
    kernel.push("ack", { of: commands("pump")[0]!.seq, ok: true, settings: kernel.settings() });
    vi.advanceTimersByTime(1000);
    expect(commands("pump").length).toBe(3);
    kernel.tick(1);
    vi.advanceTimersByTime(2350);
    expect(commands("pump").length).toBe(5);
  });

  it("asks every 200 ms while it is answered", () => {
    const { kernel, commands } = silent();
    vi.advanceTimersByTime(1100);
    for (let i = 0; i < 5; i++) {
      kernel.tick(1);
      vi.advanceTimersByTime(200);
    }
    expect(commands("pump").length).toBe(6);
    expect(commands("pump").at(-1)).toMatchObject({ since: 15 });
  });

  it("stops when news comes unasked", () => {
    const { kernel, commands } = silent();
    vi.advanceTimersByTime(1100);
    kernel.tick(1);
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(130);
      kernel.tick(1);
    }
    const questions = commands("pump").length;
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(100);
      kernel.tick(1);
    }
    expect(commands("pump").length).toBe(questions);
  });

  it("is quiet when nothing runs, and after destroy", () => {
    const { kernel, commands, explorer } = silent();
    kernel.running = false;
    kernel.push("status", { status: kernel.status() });
    vi.advanceTimersByTime(5000);
    expect(commands("pump").length).toBe(0);
    kernel.running = true;
    kernel.push("status", { status: kernel.status() });
    explorer.destroy();
    vi.advanceTimersByTime(5000);
    expect(commands("pump").length).toBe(0);
  });
});

describe("an answer that does not come", () => {
  it("asks for the answer to a command, sooner once one was lost", () => {
    const { kernel, commands, click } = mount({ width: [2, 5, 1], steps: 10 });
    kernel.silent = true;
    const edge = '[data-kw-edge="0-0-0"]';
    click(edge);
    vi.advanceTimersByTime(900);
    expect(commands("pump").length).toBe(0);
    vi.advanceTimersByTime(200);
    expect(commands("pump").length).toBe(1);
    const answer = () => {
      kernel.pushSelection();
      kernel.pushCandidates();
      kernel.push("ack", { of: commands("pump").at(-1)!.seq, ok: true, settings: kernel.settings() });
    };
    kernel.selected = [[0, 0, 0]];
    answer();
    vi.advanceTimersByTime(20_000);
    expect(commands("pump").length).toBe(1);
    click('[data-kw-edge="0-1-0"]');
    vi.advanceTimersByTime(250);
    expect(commands("pump").length).toBe(2);
  });

  it("takes another view's ack for no answer", () => {
    const { kernel, commands, click } = mount({ width: [2, 5, 1], steps: 10 });
    kernel.silent = true;
    click('[data-kw-tab="parity"]');
    kernel.push("ack", { of: 501, ok: true, settings: kernel.settings(), view: "another" });
    vi.advanceTimersByTime(1200);
    expect(commands("pump").length).toBe(1);
  });
});

describe("what is an answer", () => {
  it("expects none from a kernel that is gone", () => {
    const { kernel, commands, click } = mount({ width: [2, 5, 1], steps: 10 });
    vi.advanceTimersByTime(5000);
    const alive = aliveCount();
    kernel.silent = true;
    click('[data-kw-action="undo"]');
    click('[data-kw-action="reset"]');
    kernel.lose();
    vi.advanceTimersByTime(5000);
    expect(aliveCount()).toBe(alive);
    expect(commands("pump").length).toBe(0);
  });

  it("asks for a survey until all edges are looked at", () => {
    const { kernel, commands, click } = mount({ width: [2, 5, 1], steps: 10 });
    kernel.silent = true;
    click('[data-kw-action="symbolify"]');
    let answered = 0;
    const answer = (rows: number) => {
      kernel.push("survey", { survey: { first: 0, of: 15, busy: rows < 15, rows: kernel.surveyed.slice(0, rows) } });
      const questions = commands("pump").at(-1);
      if (questions) kernel.push("ack", { of: questions.seq, ok: true, settings: kernel.settings() });
    };
    for (let i = 0; i < 60; i++) {
      vi.advanceTimersByTime(100);
      if (commands("pump").length === answered) continue;
      answered = commands("pump").length;
      answer(Math.min(14, answered));
    }
    expect(commands("pump").length).toBeGreaterThan(12);
    answer(15);
    const done = commands("pump").length;
    vi.advanceTimersByTime(20_000);
    expect(commands("pump").length).toBe(done);
  });

  it("waits longer and longer for a search that does not end", () => {
    const { kernel, commands, click } = mount({ width: [2, 5, 1], steps: 10 });
    kernel.silent = true;
    click('[data-kw-edge="0-0-0"]');
    for (let i = 0; i < 600; i++) {
      vi.advanceTimersByTime(100);
      const questions = commands("pump").at(-1);
      if (questions) kernel.push("ack", { of: questions.seq, ok: true, settings: kernel.settings() });
    }
    expect(commands("pump").length).toBeGreaterThan(3);
    expect(commands("pump").length).toBeLessThan(12);
  });
});
