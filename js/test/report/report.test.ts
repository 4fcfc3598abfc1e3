// A saved page with a film: what the slider shows, by hand, by keys and by itself.
import { afterEach, describe, expect, test, vi } from "vitest";
import { openReport } from "../../src/app/report";
import { FORMS } from "../../src/formula/forms-panel";
import { Film, type FilmData } from "../../src/report/film";
import type { Report } from "../../src/report/recorded-session";
import { PARITY } from "../../src/tabs/parity";
import { aliveCount } from "../../src/ui/listeners";
import { frame, golden, onFakeTime, takeDown } from "../support/helpers";

const base64 = (view: ArrayBufferView): string =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("base64");

function snapshot() {
  const { message, buffer } = golden("to_browser.hello_ack")[0]!;
  return { ...message.snapshot, selection: { edges: [] }, buffer: base64(buffer!) };
}

const SAMPLES = 5;

/** Four shots, an act before the third; in shot n the curve of edge e has the range (n, n + 1 + e). */
function film(structure: FilmData["scenes"][0], pruned = structure): FilmData {
  const scene = [0, 0, 0, 1];
  const heads: number[] = [];
  const values: number[] = [];
  for (const [shot, at] of scene.entries())
    for (const [e] of [structure, pruned][at]!.edges.entries()) {
      heads.push(0.5, -1, 1, shot, shot + 1 + e);
      for (let k = 0; k < SAMPLES; k++) values.push(Math.round((65534 * k) / (SAMPLES - 1)));
    }
  const formula = { outputs: [], text: "y", latex: "y", python: "y", rmse: 0.1, fixed: 0, active: 1 };
  const state = snapshot().history.current;
  return {
    steps: [0, 10, 20, 30],
    losses: [
      [null, null, null],
      [0.5, 0.25, 0],
      [0.1, 0.2, 0],
      [0.01, 0.02, 0],
    ],
    scenes: [structure, pruned],
    scene,
    samples: SAMPLES,
    heads: base64(Float32Array.from(heads)),
    values: base64(Uint16Array.from(values)),
    acts: [{ shot: 2, state, label: "prune", formula, edges: { "0-0-0": 0 } }],
    stored: [stored("at the act")],
  };
}

function stored(name: string) {
  const row = { name, formula: ["math", {}, []], text: name, params: [], r2: 0.9, complexity: 1, valid: null };
  return {
    selection: { edges: [[0, 0, 0]], x_name: "x", importance: 0.5, data_range: [-1, 1] },
    candidates: { edge: [0, 0, 0], busy: false, version: 1, rows: [row] },
    arrays: { "selection.detail": [0, [4, 2]] },
    buffer: base64(new Float32Array(8)),
  };
}

function opened(change: (report: Report) => void = () => {}, session?: () => Promise<string>) {
  const state = snapshot();
  const report: Report = { snapshot: state, edges: { "0-0-0": stored("at the end") }, film: film(state.structure) };
  change(report);
  const el = document.createElement("div");
  document.body.append(el);
  const explorer = openReport(el, report, session);
  takeDown(explorer, el);
  frame();
  const range = el.querySelector<HTMLInputElement>('[data-kw-control="film"]');
  const to = (shot: number) => {
    range!.value = String(shot);
    range!.dispatchEvent(new Event("input", { bubbles: true }));
    frame();
  };
  const click = (action: string) => {
    el.querySelector<HTMLElement>(`[data-kw-action="${action}"]`)!.click();
    frame();
  };
  const select = (key: string) => {
    const edge = el.querySelector(`[data-kw-edge="${key}"]`)!;
    edge.dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true }));
    frame();
  };
  const names = () =>
    [...el.querySelectorAll("[data-kw-candidate]")].map((item) => item.getAttribute("data-kw-candidate"));
  return { el, explorer, range, to, click, select, names, root: explorer.root, state };
}

onFakeTime();
afterEach(() => {
  vi.unstubAllGlobals();
});

describe("what was found", () => {
  const done = { steps: [{ name: "formula", label: "Formula", next: false, done: true, command: { kind: "x" } }] };
  const form = { outputs: [], latex: "", python: "", error: 0, constants: [], meaning: "", verdict: "" };
  const forms = { forms: [{ ...form, name: "rounded", text: "y = sin(pi*x)" }], busy: false, current: true };

  test("stands on the page, in words and as its formula, but not before the end of the film", () => {
    const { el, to } = opened((report) => {
      report.snapshot.guide = { ...done, sentence: "Done: y = sin(pi*x).", notices: [] };
      report.panels = [{ message: { kind: "forms", forms, arrays: {} } }];
      report.film!.panels = { forms: { payload: { forms: [], busy: false, current: false }, arrays: {} } };
    });
    const words = el.querySelector<HTMLElement>('[data-kw-panel="steps"]')!;
    const formula = () => el.querySelector('[data-kw-panel="formula"]')!.getAttribute("data-kw-formula");
    expect([words.hidden, words.querySelector(".kw-sentence")!.textContent]).toEqual([false, "Done: y = sin(π·x)."]);
    expect(words.querySelector<HTMLElement>(".kw-steps")!.hidden).toBe(true);
    expect(formula()).toBe("y = sin(pi*x)");
    to(1);
    expect(words.hidden).toBe(true);
    expect(formula()).not.toBe("y = sin(pi*x)");
    to(3);
    expect([words.hidden, formula()]).toEqual([false, "y = sin(pi*x)"]);
  });
});

test("a page with its session offers it, as a file and as lines of Python", async () => {
  const text = JSON.stringify({ session: { data: {}, missing_arguments: [] } });
  const saved = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
  const { el, click } = opened(undefined, () => Promise.resolve(text));
  const button = el.querySelector<HTMLElement>('[data-kw-action="copy-code"]')!;
  expect([button.hidden, button.textContent]).toEqual([false, "Open in a notebook"]);
  click("copy-code");
  await Promise.resolve();
  frame();
  expect(await (saved.mock.calls[0]![0] as Blob).text()).toBe(text);
  expect(el.querySelector(".kw-code pre")!.textContent).toContain("KANExplorer.load(");
  expect(opened().el.querySelector<HTMLElement>('[data-kw-action="copy-code"]')!.hidden).toBe(true);
  saved.mockRestore();
});

test("what needs a kernel is off", () => {
  const { el } = opened();
  const button = (action: string) => el.querySelector<HTMLButtonElement>(`[data-kw-action="${action}"]`)!;
  expect(["prune", "refine", "extend"].map((action) => button(action).disabled)).toEqual([true, true, true]);
});

describe("the film", () => {
  test("curves come back to a 65,534th of their range", () => {
    const item = Film.open(film(snapshot().structure))!;
    const { values, shape } = item.curves(1);
    expect(shape).toEqual([snapshot().structure.edges.length, 3 + SAMPLES]);
    expect([...values.slice(0, 3)].map((v) => Number(v.toFixed(6)))).toEqual([0.5, -1, 1]);
    const expected = [1, 1.25, 1.5, 1.75, 2];
    for (const [k, value] of expected.entries()) expect(values[3 + k]).toBeCloseTo(value, 3);
  });

  test("what isn't a number stays none", () => {
    const data = film(snapshot().structure);
    const bytes = Buffer.from(data.values, "base64");
    bytes.writeUInt16LE(65535, 0);
    const { values } = Film.open({ ...data, values: bytes.toString("base64") })!.curves(0);
    expect(values[3]).toBeNaN();
    expect(values[4]).not.toBeNaN();
  });

  test.each([
    ["too short", { values: "AAAA" }],
    ["no base64", { heads: "%" }],
    ["a single shot", { steps: [1] }],
    ["scenes that aren't there", { scene: [0, 0, 0, 7] }],
  ])("one that is damaged (%s) leaves a page without a slider", (_, change) => {
    const page = opened((report) => {
      report.film = { ...report.film!, ...(change as Partial<FilmData>) };
    });
    expect(page.range).toBeNull();
    expect(page.el.querySelectorAll("[data-kw-edge]").length).toBeGreaterThan(0);
  });
});

describe("the slider", () => {
  test("begins at the end and shows step, errors and curves of every shot", () => {
    const page = opened();
    const end = page.root.dataset.kwStep;
    const path = () => page.el.querySelector('[data-kw-edge="0-0-0"]')!.innerHTML;
    const drawn = path();
    expect(page.range!.value).toBe("3");
    expect(page.range!.getAttribute("aria-valuetext")).toContain("the end");
    page.to(1);
    expect(page.root.dataset.kwStep).toBe("10");
    expect(page.explorer.store.state.status.test).toBe(0.25);
    expect(page.explorer.store.state.formula.rmse).toBe(0.25);
    expect(page.explorer.store.curves.get("0-0-0")!.values[0]).toBeCloseTo(1, 3);
    expect(path()).not.toBe(drawn);
    page.to(3);
    expect(page.root.dataset.kwStep).not.toBe(end === "30" ? "10" : "x");
    expect(page.explorer.store.state.status).toEqual(page.state.status);
  });

  test("marks its place on the curves, and the state in the history", () => {
    const page = opened();
    page.to(1);
    const { events, current } = page.explorer.store.state.history;
    expect(events.filter(({ label }) => label === "▼").map(({ step }) => step)).toEqual([10]);
    const parent = page.state.history.states.find(
      (item: { id: number }) => item.id === page.state.history.current,
    ).parent;
    expect(current).toBe(parent ?? page.state.history.current);
    page.to(3);
    expect(page.explorer.store.state.history).toEqual(page.state.history);
  });
});

describe("along the film", () => {
  test("a selected edge shows what is known of it: curve at a step, candidates at acts and at the end", () => {
    const page = opened();
    page.select("0-0-0");
    expect(page.names()).toEqual(["at the end"]);
    page.to(1);
    expect(page.names()).toEqual([]);
    expect(page.explorer.store.state.detail.get("detail")!.shape).toEqual([4, SAMPLES]);
    page.to(2);
    expect(page.names()).toEqual(["at the act"]);
    page.to(3);
    expect(page.names()).toEqual(["at the end"]);
  });

  test("an edge that isn't there at a shot comes back with it", () => {
    const page = opened((report) => {
      const whole = snapshot().structure;
      const fewer = { ...whole, edges: whole.edges.slice(1) };
      report.film = { ...film(whole, fewer), scene: [1, 0, 0, 0] };
      const rows = [fewer, whole, whole, whole].flatMap(({ edges }) => edges);
      report.film.heads = base64(Float32Array.from(rows.flatMap(() => [1, 0, 1, 0, 1])));
      report.film.values = base64(Uint16Array.from(rows.flatMap(() => [0, 1, 2, 3, 4])));
    });
    page.select("0-0-0");
    page.to(0);
    expect(page.explorer.store.state.selection.edges).toEqual([]);
    expect(page.el.querySelector('[data-kw-edge="0-0-0"]')).toBeNull();
    page.to(2);
    expect(page.explorer.store.state.selection.edges).toEqual([[0, 0, 0]]);
  });

  test("goes from act to act", () => {
    const page = opened();
    page.click("previous-act");
    expect(page.range!.value).toBe("2");
    expect(page.el.querySelector(".kw-film-words")!.textContent).toBe("step 20 · before prune");
    page.click("previous-act");
    expect(page.range!.value).toBe("0");
    page.click("next-act");
    page.click("next-act");
    expect(page.range!.value).toBe("3");
  });
});

describe("the first scrub", () => {
  test("shows the edge with which the page opens as it was, not as it is", () => {
    const page = opened((report) => {
      report.snapshot.selection = { edges: [[0, 0, 0]], x_name: "x", importance: 1, data_range: [-1, 1] };
    });
    expect(page.explorer.store.state.selection.importance).toBe(1);
    page.to(1);
    expect(page.explorer.store.state.selection.importance).toBe(0.5);
    expect(page.explorer.store.state.detail.get("detail")!.shape).toEqual([4, SAMPLES]);
  });

  test("follows an edge through pruning, and back again", () => {
    const page = opened((report) => {
      const { structure } = snapshot();
      report.film = film(structure, withoutFirstInput(structure));
      report.film.nodes = [
        [[0, 1], [0]],
        [[1], [0]],
      ];
      report.snapshot = { ...report.snapshot, structure: withoutFirstInput(structure) };
    });
    page.select("0-0-1");
    page.to(1);
    // It was the second input's.
    expect(page.explorer.store.state.selection.edges).toEqual([[0, 1, 1]]);
    page.to(3);
    expect(page.explorer.store.state.selection.edges).toEqual([[0, 0, 1]]);
    page.to(0);
    page.select("0-0-0");
    page.to(3);
    expect(page.explorer.store.state.selection.edges).toEqual([]);
  });
});

function withoutFirstInput(structure: FilmData["scenes"][0]): FilmData["scenes"][0] {
  const { nodes, edges } = structure;
  return {
    ...structure,
    nodes: nodes.filter(({ key }) => key[0] !== 0 || key[1] === 0),
    edges: edges.filter(({ key }) => key[1] === 0),
  };
}

describe("panels", () => {
  test("forms that were worked out are shown at the end, and at the end alone", () => {
    const row = { name: "rounded", outputs: [["math", {}, []]], text: "y = 2", latex: "y = 2", python: "2" };
    const forms = [{ ...row, error: 0.5, constants: [], meaning: "", verdict: "" }];
    const { el, to, explorer } = opened((report) => {
      report.panels = [
        { message: { kind: "forms", forms: { forms, busy: false, current: true }, arrays: {} }, buffer: "" },
      ];
      report.film!.panels = { forms: { payload: { forms: [], busy: false, current: false }, arrays: {} } };
    });
    expect(explorer.store.panel(FORMS)!.payload.forms.map(({ name }) => name)).toEqual(["rounded"]);
    el.querySelector<HTMLElement>('[data-kw-tab="formula"]')!.click();
    frame();
    expect(el.querySelector('[data-kw-form="rounded"]')!.getAttribute("data-kw-text")).toBe("y = 2");
    to(1);
    expect(el.querySelector('[data-kw-form="rounded"]')).toBeNull();
    to(3);
    expect(el.querySelector('[data-kw-form="rounded"]')).not.toBeNull();
  });

  const payload = { outputs: ["y"], classes: false };
  /** Truth 0 and 4; in frame n the predictions are n and 4 - n. */
  const predicted = (n: number) => [0, 4, n, 4 - n];
  const page = () =>
    opened((report) => {
      const ends = [0, 1, 2].flatMap(() => [0, 4]);
      const parts = [0, 1, 2].flatMap((n) => predicted(n).map((v) => Math.round((v / 4) * 65534)));
      report.film!.panels = {
        parity: {
          payload,
          arrays: {
            test: {
              shape: [1, 2, 2],
              ends: base64(Float32Array.from(ends)),
              values: base64(Uint16Array.from(parts)),
            },
          },
        },
      };
      const message = { kind: "parity", parity: payload, arrays: { test: [0, [1, 2, 2]] } };
      report.panels = [{ message, buffer: base64(Float32Array.from(predicted(0))) }];
    });
  const values = ({ explorer }: ReturnType<typeof opened>) => {
    const array = explorer.store.panel(PARITY)!.arrays.get("test")!;
    return [...array.values].map((v) => Math.round(1000 * v) / 1000);
  };

  test("are there on a saved page, and go with the film", () => {
    const { el, ...rest } = page();
    const opened = { el, ...rest } as ReturnType<typeof page>;
    expect(el.querySelector<HTMLElement>('[data-kw-tab="parity"]')!.hidden).toBe(false);
    expect(el.querySelector<HTMLElement>('[data-kw-tab="surface"]')!.hidden).toBe(true);
    expect(values(opened)).toEqual(predicted(0));
    opened.to(2);
    expect(values(opened)).toEqual(predicted(2));
    opened.to(3);
    expect(values(opened)).toEqual(predicted(0));
  });

  test("an array that never changes stands once", () => {
    const { root, ...rest } = page();
    const opened = { root, ...rest } as ReturnType<typeof page>;
    const stored = opened.explorer.store;
    expect(stored.panel(PARITY)).toBeDefined();
    const one = film(snapshot().structure);
    one.panels = { parity: { payload, arrays: { test: { shape: [1], constant: base64(Float32Array.of(3)) } } } };
    const item = Film.open(one)!;
    for (const shot of [0, 3]) expect([...item.panels(shot)[0]!.buffer]).toEqual([3]);
  });
});

describe("playing", () => {
  const playing = (page: ReturnType<typeof opened>) =>
    page.el.querySelector('[data-kw-action="play"]')!.getAttribute("aria-label") === "Pause the training";

  test("starts over at the end, goes through all shots, and stops there", () => {
    const page = opened();
    page.click("play");
    expect(page.range!.value).toBe("0");
    const seen = new Set<string>();
    for (let i = 0; i < 2000 && playing(page); i++) {
      seen.add(page.range!.value);
      frame();
    }
    expect([...seen]).toEqual(["0", "1", "2"]);
    expect(page.range!.value).toBe("3");
    expect(playing(page)).toBe(false);
  });

  test("a hand on the slider, and a second click, stop it", () => {
    const page = opened();
    page.click("play");
    page.to(1);
    expect(playing(page)).toBe(false);
    page.click("play");
    page.click("play");
    expect(playing(page)).toBe(false);
    vi.advanceTimersByTime(20_000);
    expect(page.range!.value).toBe("1");
  });

  test("whoever wants no motion sees pictures one after the other", () => {
    vi.stubGlobal("matchMedia", (query: string) => ({
      matches: query.includes("reduced-motion"),
      addEventListener: () => {},
      removeEventListener: () => {},
    }));
    const page = opened();
    page.click("play");
    vi.advanceTimersByTime(1000);
    expect(page.range!.value).toBe("0");
    vi.advanceTimersByTime(300);
    expect(page.range!.value).toBe("1");
  });

  test("nothing is left once the page is gone", () => {
    const before = aliveCount();
    const page = opened();
    page.click("play");
    page.explorer.destroy();
    expect(aliveCount()).toBe(before);
    expect(page.el.querySelector(".kw-film")).toBeNull();
  });
});
