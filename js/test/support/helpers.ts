// Mounts the explorer on the stand-in kernel, with timers under the test's control, and takes it down again.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { createExplorer } from "../../src/app/explorer";
import { aliveCount } from "../../src/ui/listeners";
import { FakeKernel } from "../fake/kernel";
import type { SampleOptions } from "../fake/sample";

function fakeTime(): void {
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

/** For files whose tests mount by themselves: time is the tests', and after each of them all that it has mounted goes. */
export function onFakeTime(): void {
  beforeEach(fakeTime);
  afterEach(() => {
    for (const { explorer, host } of mounted.splice(0)) {
      explorer.destroy();
      host.remove();
    }
    expect(aliveCount()).toBe(0);
    vi.useRealTimers();
  });
}

const mounted: { explorer: { destroy(): void }; host: HTMLElement }[] = [];

/** Has an explorer that `mount` has not made taken down after the test as well. */
export function takeDown(explorer: { destroy(): void }, host: HTMLElement): void {
  mounted.push({ explorer, host });
}

export type View = ReturnType<typeof mount>;

/** An explorer that is mounted anew before each test of the file, on fake time, and gone after it. */
export function mountEach(options?: SampleOptions): View {
  const view = {} as View;
  onFakeTime();
  beforeEach(() => {
    Object.assign(view, mount(options));
  });
  return view;
}

/** Another kernel in its place. */
export function remount(view: View, kernel: FakeKernel): void {
  view.explorer.destroy();
  Object.assign(view, mount(kernel));
}

export function mount(options: SampleOptions | FakeKernel = { width: [2, 5, 1], steps: 10 }) {
  const kernel = options instanceof FakeKernel ? options : new FakeKernel(options);
  const host = document.createElement("div");
  document.body.append(host);
  const explorer = createExplorer(host, kernel.transport());
  takeDown(explorer, host);
  frame();
  const find = <T extends Element = HTMLElement>(selector: string): T => {
    const found = explorer.root.querySelector<T>(selector);
    if (!found) throw new Error(`nothing matches ${selector}`);
    return found;
  };
  const all = (selector: string): HTMLElement[] => [...explorer.root.querySelectorAll<HTMLElement>(selector)];
  const click = (selector: string, init: MouseEventInit = {}): void => {
    find(selector).dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true, ...init }));
    frame();
  };
  const key = (target: Element, name: string, init: KeyboardEventInit = {}): void => {
    target.dispatchEvent(
      new KeyboardEvent("keydown", { key: name, bubbles: true, composed: true, cancelable: true, ...init }),
    );
    frame();
  };
  /** Puts a value into a field, which then fires these events. */
  const input = (selector: string, value: string, ...types: string[]): HTMLInputElement => {
    const field = find<HTMLInputElement>(selector);
    field.value = value;
    for (const type of types) field.dispatchEvent(new Event(type, { bubbles: true }));
    return field;
  };
  /** The kernel says something, without arguments all that it knows, and a frame passes. */
  const deliver = (kind?: string, body: object = {}, buffer?: DataView): void => {
    if (kind === undefined) kernel.pushAll();
    else kernel.push(kind, body, buffer);
    frame();
  };
  const commands = (kind: string) => kernel.sent.filter((message) => message.kind === kind);
  return { kernel, host, explorer, root: explorer.root, find, all, click, key, input, deliver, commands };
}

const FOLDER = join(import.meta.dirname, "../../../tests/fixtures/protocol/");

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
