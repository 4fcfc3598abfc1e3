// Replaces `restart.ts` and `notices.ts` in the bundle of saved pages, which have no kernel.
import type { View } from "../state/context";
import { h } from "../ui/dom";

const nothing = (): View => ({ node: h("span", { hidden: true }), draw: () => {}, destroy: () => {} });

export { nothing as notices, nothing as restartMenu };
