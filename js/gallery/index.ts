// The gallery: every state of the explorer on one page, or one by `?state=`, without a kernel.
import { createExplorer } from "../src/explorer";
import { STATES } from "./states";

const query = new URLSearchParams(location.search);
const wanted = query.get("state");
if (query.get("theme") === "dark") document.body.dataset.jpThemeLight = "false";

for (const [name, make] of Object.entries(STATES)) {
  if (wanted && wanted !== name) continue;
  const host = document.createElement("div");
  const title = document.createElement("h1");
  title.textContent = name;
  if (!wanted) document.body.append(title);
  document.body.append(host);
  const kernel = make();
  createExplorer(host, kernel.transport());
  setInterval(() => {
    if (kernel.running) kernel.tick();
  }, 100);
}
