// The entry for anywidget. Pages saved without a kernel have one of their own, `report.ts`, which notebooks need not carry.
import type { RenderProps } from "@anywidget/types";
import { createExplorer } from "./explorer";
import { modelTransport } from "./transport";

export { createExplorer } from "./explorer";

function render({ model, el }: RenderProps): () => void {
  const explorer = createExplorer(el, modelTransport(model));
  return () => explorer.destroy();
}

export default { render };
