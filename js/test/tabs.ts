// What tests of the data tabs share: opening one, pointing at it, choosing and typing in it.
import { frame, type mount } from "./helpers";

export function tabs(view: () => ReturnType<typeof mount>) {
  const open = (tab: string) => view().click(`[data-kw-tab="${tab}"]`);
  const panel = (name: string) => view().one(`[data-kw-panel="${name}"]`);
  const point = (name: string, clientX: number, clientY: number): string => {
    const event = new MouseEvent("pointermove", { clientX, clientY, bubbles: true });
    view().one(`[data-kw-panel="${name}"] .kw-stage > svg`).dispatchEvent(event);
    const readout = view().one(`[data-kw-panel="${name}"] .kw-readout`);
    return readout.hidden ? "" : [...readout.children].map((line) => line.textContent).join("; ");
  };
  const choose = (name: string, value: number) => {
    const select = view().one<HTMLSelectElement>(`[data-kw-control="${name}"]`);
    select.value = String(value);
    select.dispatchEvent(new Event("change", { bubbles: true }));
    frame();
  };
  const type = (name: string, text: string) => {
    const field = view().one<HTMLInputElement>(name);
    field.value = text;
    view().key(field, "Enter");
  };
  return { open, panel, point, choose, type };
}
