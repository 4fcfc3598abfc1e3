import { beforeEach, describe, expect, it } from "vitest";
import { readMessage, type Snapshot } from "../../src/protocol/messages";
import { Store } from "../../src/state/store";
import { PANELS } from "../../src/tabs/table";
import { pack } from "../fake/pack";
import { type Golden, golden } from "../support/helpers";

const snapshot = golden("trait.snapshot")[0]!;

const load = (store: Store, seq = 40) => store.load({ ...(snapshot.message as Snapshot), seq }, snapshot.buffer);

const apply = (store: Store, item: Pick<Golden, "message" | "buffer">) =>
  store.apply(readMessage(item.message, PANELS)!, item.buffer);

const named = (name: string) => golden(`to_browser.${name}.json`)[0]!;

let store: Store;

let topics: string[];

beforeEach(() => {
  store = new Store();
  topics = [];
  store.onChange((changed) => topics.push(...changed));
});

describe("a large network", () => {
  it("is told in parts after an act", () => {
    load(store);
    const { nodes, edges } = store.state.structure;
    apply(store, named("structure.part"));
    const after = store.state.structure;
    expect(after.edges.map(({ key }) => key)).toEqual(edges.map(({ key }) => key));
    expect(after.edges[1]).toMatchObject({ key: [0, 1, 0], state: "symbolic" });
    expect([after.edges[0], after.nodes[0]]).toEqual([edges[0], nodes[0]]);
    expect(after.edges[0]).toBe(edges[0]);
  });

  it("is not told in parts to who knows another one", () => {
    load(store);
    const message = named("structure.part").message;
    const before = store.state.structure;
    apply(store, { message: { ...message, structure: { ...message.structure, version: 77 } }, buffer: null });
    expect(store.state.structure).toBe(before);
  });

  it("keeps its curves but for those that are told, and hears the importance of all", () => {
    load(store);
    const kept = { ...store.curves.get("0-0-0")! };
    const { message, buffer } = named("curves.changed");
    expect(message.edges).toEqual([[0, 1, 0]]);
    store.curves.set({ values: new Float32Array(36).fill(9), shape: [1, 36] }, [[0, 1, 0]]);
    store.curves.setImportance({ values: new Float32Array([9, 9, 9, 9]), shape: [4] }, store.state.structure);
    expect(store.curves.get("0-0-0")).toMatchObject({ importance: 9, low: kept.low });
    apply(store, { message, buffer });
    expect(store.curves.get("0-1-0")?.values[0]).not.toBe(9);
    expect(store.curves.get("0-0-0")).toEqual(kept);
    expect(store.curves.get("0-1-1")?.importance).toBe(0);
  });
});

describe("snapshots", () => {
  it("say the same of all edges, whether they are told or stored", () => {
    load(store);
    const stored = store.state.structure.edges;
    const partial = new Store();
    apply(partial, named("hello_ack"));
    expect(snapshot.message.structure.edges.length).toBeLessThan(stored.length);
    expect(stored).toEqual(partial.state.structure.edges);
  });

  it("bring everything", () => {
    expect(load(store)).toBe(true);
    expect(store.metrics.length).toBe(3);
    expect(store.curves.get("0-0-1")?.importance).toBeCloseTo(0.3);
    expect(store.state.detail.get("knots")?.values.length).toBe(6);
    expect(store.state.fits.get("fits")?.shape).toEqual([2, 5]);
    expect(topics).toContain("structure");
  });

  it("older than what messages told are ignored", () => {
    load(store, 40);
    apply(store, named("status"));
    expect(load(store, 51)).toBe(false);
    expect(load(store, 53)).toBe(true);
    expect(load(store, 52)).toBe(false);
  });

  it("from before the first message have the number -1", () => {
    expect(load(store, -1)).toBe(true);
  });

  it("make older messages obsolete", () => {
    load(store, 100);
    apply(store, {
      message: { ...named("status").message, status: { ...named("status").message.status, step: 7 } },
      buffer: null,
    });
    expect(store.state.status.step).toBe(120);
  });

  it("do not thin a history that is as new", () => {
    load(store, 40);
    const thinned = pack({
      metrics: [
        [1, 0, 1, 1, 0, 3, 0, 1, 1, 0],
        [2, 5],
      ],
    });
    const thin = { ...(snapshot.message as Snapshot), arrays: thinned.arrays, n_metrics: 900 };
    store.load({ ...thin, seq: 41 }, thinned.buffer);
    expect([...store.metrics.column("step")]).toEqual([1, 2, 3]);
    expect(store.metrics.received).toBe(900);
    const fresh = new Store();
    fresh.load(thin, thinned.buffer);
    expect([...fresh.metrics.column("step")]).toEqual([1, 3]);
    expect(fresh.metrics.received).toBe(900);
  });

  it("without their buffer still draw the structure", () => {
    expect(store.load({ ...(snapshot.message as Snapshot) }, null)).toBe(true);
    expect(store.state.structure.edges.length).toBe(4);
    expect(store.metrics.length).toBe(0);
  });
});

describe("messages", () => {
  beforeEach(() => load(store));

  it.each(golden("to_browser"))("$name is taken in", ({ message, buffer }) => {
    expect(() => apply(store, { message, buffer })).not.toThrow();
  });

  it("metrics go on where they say, also twice", () => {
    const item = named("metrics");
    apply(store, item);
    apply(store, item);
    expect([...store.metrics.column("step")]).toEqual([1, 2, 3]);
    expect(store.metrics.received).toBe(3);
  });

  it("metrics with replace forget what was there", () => {
    const { arrays, buffer } = pack({
      metrics: [
        [9, 1, 2, 3, 4],
        [1, 5],
      ],
    });
    apply(store, { message: { v: 2, kind: "metrics", seq: 90, first: 0, replace: true, arrays }, buffer });
    expect([...store.metrics.column("step")]).toEqual([9]);
  });

  it("a long training grows without loss", () => {
    const rows = Array.from({ length: 3000 }, (_, i) => [10 + i, i, 1 / (i + 1), 0, Number.NaN]);
    const { arrays, buffer } = pack({ metrics: [rows.flat(), [3000, 5]] });
    apply(store, { message: { v: 2, kind: "metrics", seq: 90, first: 3, replace: false, arrays }, buffer });
    expect(store.metrics.length).toBe(3003);
    expect(store.metrics.column("train")[3002]).toBeCloseTo(1 / 3000);
  });

  it("curves of some edges leave the others", () => {
    apply(store, named("curves.some"));
    expect(store.curves.get("0-0-0")?.importance).toBe(1);
  });

  it("structure forgets the curves of edges that are gone", () => {
    const { message } = named("structure");
    const fewer = { ...message, structure: { ...message.structure, edges: message.structure.edges.slice(1) } };
    apply(store, { message: fewer, buffer: null });
    expect(store.curves.get("0-0-0")).toBeNull();
    expect(store.curves.get("0-1-0")).not.toBeNull();
  });

  it("busy candidates keep the rows that are there", () => {
    apply(store, named("candidates.busy"));
    expect(store.state.candidates.rows.length).toBe(2);
    expect(store.state.candidates.busy).toBe(true);
  });

  it("candidates of another edge are stale", () => {
    store.select([[0, 1, 0]]);
    apply(store, named("candidates"));
    expect(store.state.candidates.rows.length).toBe(0);
  });

  it("a selection asked for here is not undone by an older one", () => {
    store.select([[0, 1, 0]]);
    store.awaitSelection(9);
    apply(store, named("selection"));
    expect(store.state.selection.edges).toEqual([[0, 1, 0]]);
    apply(store, named("ack"));
    apply(store, named("selection"));
    expect(store.state.selection.edges).toEqual([[0, 0, 0]]);
  });
});

describe("acks", () => {
  beforeEach(() => load(store));

  it("of another view bring settings, and answer nothing that was asked here", () => {
    store.view = "own";
    store.select([[0, 1, 0]]);
    store.awaitSelection(9);
    const { message } = named("ack");
    const ack = (view: string | null, lamb: number) =>
      apply(store, { message: { ...message, of: 501, view, settings: { ...message.settings, lamb } }, buffer: null });
    ack("other", 0.5);
    apply(store, named("selection"));
    expect([store.lastAck, store.state.settings.lamb]).toEqual([-1, 0.5]);
    expect(store.state.selection.edges).toEqual([[0, 1, 0]]);
    ack("own", 0.25);
    expect([store.lastAck, store.state.settings.lamb]).toEqual([501, 0.25]);
  });
});
