// What tests of the data tabs share: opening one, pointing at it, choosing and typing in it.
import { frame, type View } from "./helpers";

export function tabs(view: View) {
  const open = (tab: string) => view.click(`[data-kw-tab="${tab}"]`);
  const panel = (name: string) => view.find(`[data-kw-panel="${name}"]`);
  const point = (name: string, clientX: number, clientY: number): string => {
    const event = new MouseEvent("pointermove", { clientX, clientY, bubbles: true });
    view.find(`[data-kw-panel="${name}"] .kw-stage > svg`).dispatchEvent(event);
    const readout = view.find(`[data-kw-panel="${name}"] .kw-readout`);
    return readout.hidden ? "" : [...readout.children].map((line) => line.textContent).join("; ");
  };
  const choose = (name: string, value: number) => {
    view.input(`[data-kw-control="${name}"]`, String(value), "change");
    frame();
  };
  const type = (name: string, text: string) => {
    view.key(view.input(name, text), "Enter");
  };
  return { open, panel, point, choose, type };
}
