// The entry for anywidget, and the one for pages saved without a kernel.
import type { RenderProps } from "@anywidget/types";
import { createExplorer } from "./explorer";
import { modelTransport } from "./transport";

export { createExplorer } from "./explorer";
export { openReport } from "./report";

function render({ model, el }: RenderProps): () => void {
  const explorer = createExplorer(el, modelTransport(model));
  return () => explorer.destroy();
}

export default { render };
