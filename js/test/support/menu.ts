// What tests of the menus of edges and nodes share: opening one, reaching things by keys, pressing its items.
import { frame, type View } from "./helpers";

export function contextMenu(view: View) {
  const item = (action: string) => view.find(`.kw-context [data-kw-action="${action}"]`);
  const right = (selector: string): MouseEvent => {
    const event = new MouseEvent("contextmenu", { bubbles: true, composed: true, cancelable: true });
    view.find(selector).dispatchEvent(event);
    frame();
    return event;
  };
  const focus = (selector: string): HTMLElement => {
    const one = view.find(selector);
    one.focus();
    one.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    frame();
    return one;
  };
  const press = (action: string) => view.click(`.kw-context [data-kw-action="${action}"]`);
  return { item, right, focus, press };
}
