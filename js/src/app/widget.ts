// Entry for anywidget. Saved pages have their own entry, `report.ts`, so that notebooks need not carry it.
import type { RenderProps } from "@anywidget/types";
import { createExplorer } from "./explorer";
import { modelTransport } from "./transport";

export { createExplorer } from "./explorer";

function render({ model, el }: RenderProps): () => void {
  const explorer = createExplorer(el, modelTransport(model));
  return () => explorer.destroy();
}

export default { render };
