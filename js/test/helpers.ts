// Mounts the explorer on the stand-in kernel, with timers under the test's control.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { createExplorer } from "../src/explorer";
import { FakeKernel } from "./fake/kernel";
import type { SampleOptions } from "./fake/sample";

export function fakeTime(): void {
  vi.useFakeTimers({
    toFake: [
      "setTimeout",
      "clearTimeout",
      "setInterval",
      "clearInterval",
      "Date",
      "requestAnimationFrame",
      "cancelAnimationFrame",
    ],
  });
}

/** Lets one frame of the screen pass. */
export const frame = (): void => {
  vi.advanceTimersByTime(20);
};

export function mount(options: SampleOptions | FakeKernel = { width: [2, 5, 1], steps: 10 }) {
  const kernel = options instanceof FakeKernel ? options : new FakeKernel(options);
  const host = document.createElement("div");
  document.body.append(host);
  const explorer = createExplorer(host, kernel.transport());
  frame();
  const one = <T extends Element = HTMLElement>(selector: string): T => {
    const found = explorer.root.querySelector<T>(selector);
    if (!found) throw new Error(`nothing matches ${selector}`);
    return found;
  };
  const all = (selector: string): HTMLElement[] => [...explorer.root.querySelectorAll<HTMLElement>(selector)];
  const click = (selector: string, init: MouseEventInit = {}): void => {
    one(selector).dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true, ...init }));
    frame();
  };
  const key = (target: Element, name: string, init: KeyboardEventInit = {}): void => {
    target.dispatchEvent(
      new KeyboardEvent("keydown", { key: name, bubbles: true, composed: true, cancelable: true, ...init }),
    );
    frame();
  };
  const commands = (kind: string) => kernel.sent.filter((message) => message.kind === kind);
  return { kernel, host, explorer, root: explorer.root, one, all, click, key, commands };
}

const FOLDER = join(import.meta.dirname, "../../tests/fixtures/protocol/");

export interface Golden {
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: golden messages are data from outside
  message: any;
  buffer: DataView | null;
}

/** The golden messages whose file name begins so. */
export function golden(prefix: string): Golden[] {
  const names = readdirSync(FOLDER).filter((name) => name.startsWith(prefix) && name.endsWith(".json"));
  return names.sort().map((name) => {
    const { message, buffer } = JSON.parse(readFileSync(FOLDER + name, "utf8"));
    const bytes = buffer === null ? null : Buffer.from(buffer, "base64");
    return { name, message, buffer: bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  });
}
