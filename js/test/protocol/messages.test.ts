import { describe, expect, it } from "vitest";
import { readArrays } from "../../src/protocol/codecs";
import * as messages from "../../src/protocol/messages";
import { complete } from "../../src/protocol/structure";
import { PANELS } from "../../src/tabs/table";
import { golden } from "../support/helpers";

const { isSnapshot } = messages;
const readMessage = (value: unknown) => messages.readMessage(value, PANELS);

const incoming = golden("to_browser");

describe("golden messages", () => {
  it("cover every kind", () => {
    const kinds = new Set(incoming.map(({ message }) => message.kind));
    expect([...kinds].sort()).toEqual([
      "ack",
      "candidates",
      "curves",
      "discovery",
      "error",
      "export",
      "forms",
      "formula",
      "front",
      "guide",
      "held_out",
      "hello_ack",
      "history",
      "library",
      "metrics",
      "parity",
      "selection",
      "settings",
      "status",
      "structure",
      "surface",
      "survey",
    ]);
  });

  it.each(incoming)("$name is read", ({ message, buffer }) => {
    expect(readMessage(message)).not.toBeNull();
    const arrays = message.arrays ?? message.snapshot?.arrays ?? {};
    expect(readArrays(arrays, buffer).size).toBe(Object.keys(arrays).length);
  });

  it.each(incoming)("$name without one of its fields is refused", ({ message }) => {
    const extra = new Set(["v", "seq", "kind", "frame"]);
    const optional = ["frame", "part"];
    for (const field of Object.keys(message)) {
      const { [field]: _, ...rest } = message;
      if (optional.includes(field)) expect(readMessage(rest)).not.toBeNull();
      else expect(readMessage(rest), `${field} of ${message.kind}`).toBeNull();
      if (!extra.has(field)) expect(readMessage({ ...message, [field]: Symbol("no") })).toBeNull();
    }
  });

  it("the snapshot is read", () => {
    const { message } = golden("trait.snapshot")[0]!;
    expect(isSnapshot(message)).toBe(true);
    for (const field of Object.keys(message)) {
      const { [field]: _, ...rest } = message;
      expect(isSnapshot(rest), field).toBe(false);
    }
  });
});

describe("a panel", () => {
  it.each(PANELS)("$name has the name of its message and of its payload", ({ name }) => {
    const { message } = incoming.find(({ message }) => message.kind === name)!;
    expect(readMessage(message)).toMatchObject({ kind: "panel", name, payload: message[name], arrays: message.arrays });
    for (const field of Object.keys(message[name])) {
      const wrong = { ...message, [name]: { ...message[name], [field]: Symbol("no") } };
      expect(readMessage(wrong), `${field} of ${name}`).toBeNull();
    }
  });

  it("of another page is refused", () => {
    const { message } = incoming.find(({ message }) => message.kind === "parity")!;
    expect(messages.readMessage(message, [])).toBeNull();
    expect(readMessage({ ...message, kind: "panel" })).toBeNull();
  });
});

describe("what nobody should send", () => {
  it.each([null, 3, "status", [], {}, { v: 2 }, { v: 9, kind: "status", seq: 1 }, { v: 2, kind: "toString", seq: 1 }])(
    "%j is refused",
    (value) => {
      expect(readMessage(value)).toBeNull();
    },
  );

  it("wrong types deep inside are refused", () => {
    const { message } = incoming.find(({ message }) => message.kind === "structure")!;
    const bad = structuredClone(message);
    bad.structure.edges[0].key = [0, 0];
    expect(readMessage(bad)).toBeNull();
    const worse = structuredClone(message);
    worse.structure.edges[0].state = "gone";
    expect(readMessage(worse)).toBeNull();
  });

  it("keys that a newer kernel adds are allowed", () => {
    const { message } = incoming.find(({ message }) => message.kind === "status")!;
    expect(readMessage({ ...message, status: { ...message.status, new_key: 1 } })).not.toBeNull();
  });
});

describe("the version of the structure", () => {
  const { message } = incoming.find(({ message }) => message.kind === "structure")!;
  const given = (version: unknown) => readMessage({ ...message, structure: { ...message.structure, version } });

  it("is optional, and a whole number", () => {
    expect(given(undefined)).not.toBeNull();
    expect(given(7)).not.toBeNull();
    for (const bad of ["7", 1.5, null]) expect(given(bad)).toBeNull();
  });
});

describe("what a structure leaves out", () => {
  it("is filled in: what holds for few edges", () => {
    const { message } = incoming.find(({ message }) => message.kind === "structure")!;
    const read = readMessage(message)!;
    if (read.kind !== "structure") throw new Error(read.kind);
    const { edges } = complete(read.structure);
    expect(edges.map(({ state, function: name }) => [state, name])).toEqual([
      ["spline", null],
      ["symbolic", "x^2"],
      ["both", "exp"],
      ["pruned", null],
    ]);
    expect(edges[0]).toMatchObject({ best: "sin", best_r2: 0.99998, frozen: false, locked: false });
    expect(edges[2]).toMatchObject({ best: null, best_r2: null, frozen: true, locked: true });
    expect(complete({ ...read.structure, edges: [{ key: [1, 12, 30], state: "spline", tied: 0 }] }).edges[0]).toEqual({
      key: [1, 12, 30],
      state: "spline",
      function: null,
      best: null,
      best_r2: null,
      frozen: false,
      locked: true,
      tied: 0,
    });
  });
});
