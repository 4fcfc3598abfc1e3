// The gallery: every state of the explorer on one page, or one by `?state=`, without a kernel.
import { createExplorer } from "../src/explorer";
import { STATES } from "./states";

const query = new URLSearchParams(location.search);
const wanted = query.get("state");
/** As some hosts do: a shadow root with the style sheet inside. */
function shadow(host: HTMLElement): HTMLElement {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = "widget.css";
  const inside = document.createElement("div");
  host.attachShadow({ mode: "open" }).append(style, inside);
  document.querySelector("link")?.remove();
  return inside;
}

if (query.get("theme") === "dark") document.body.dataset.jpThemeLight = "false";

for (const [name, make] of Object.entries(STATES)) {
  if (wanted && wanted !== name) continue;
  const host = document.createElement("div");
  const title = document.createElement("h1");
  title.textContent = name;
  if (!wanted) document.body.append(title);
  document.body.append(host);
  const inside = query.has("shadow") ? shadow(host) : host;
  const kernel = make();
  const snapshot = kernel.snapshot();
  const open = (into: HTMLElement): number => {
    const start = performance.now();
    const transport = kernel.transport();
    const made = createExplorer(into, {
      ...transport,
      link: query.has("saved") ? "none" : "live",
      snapshot: () => snapshot,
    });
    const tab = query.get("tab");
    if (tab) made.root.querySelector<HTMLElement>(`[data-kw-tab="${tab}"]`)?.click();
    return performance.now() - start;
  };
  // For measurements from outside: the kernel, and how long a first drawing takes.
  Object.assign(window, {
    kernel,
    firstMs: open(inside),
    again: () => open(document.body.appendChild(document.createElement("div"))),
  });
  setInterval(() => {
    if (kernel.running) kernel.tick();
  }, 100);
}
