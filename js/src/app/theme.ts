// Light and dark follow the host. Each host has its own attribute; the system's preference is the fallback.
import type { Registry } from "../ui/listeners";

type Theme = "light" | "dark";

/** Theme of the host's attributes; null without such an attribute. */
export function hostTheme(doc: Document): Theme | null {
  const { body, documentElement: html } = doc;
  const lab = body?.dataset.jpThemeLight;
  if (lab) return lab === "false" ? "dark" : "light";
  const code = body?.dataset.vscodeThemeKind ?? body?.className ?? "";
  if (/vscode-(dark|high-contrast(?!-light))/.test(code)) return "dark";
  if (/vscode-(light|high-contrast-light)/.test(code)) return "light";
  const named = html.getAttribute("theme") ?? html.dataset.theme ?? body?.dataset.theme;
  if (named === "dark" || named === "light") return named;
  if (html.classList.contains("dark") || body?.classList.contains("dark")) return "dark";
  if (html.classList.contains("light") || body?.classList.contains("light")) return "light";
  return null;
}

/** Keeps `data-kw-theme` of the root in step with the host until the registry is destroyed; calls back when it changed. */
export function followTheme(root: HTMLElement, registry: Registry, changed: () => void = () => {}): void {
  const doc = root.ownerDocument;
  const system = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;
  const apply = () => {
    const theme = hostTheme(doc) ?? (system?.matches ? "dark" : "light");
    if (theme === root.dataset.kwTheme) return;
    root.dataset.kwTheme = theme;
    root.classList.toggle("kw-dark", theme === "dark");
    changed();
  };
  const observer = new MutationObserver(apply);
  const attributeFilter = ["class", "theme", "data-theme", "data-jp-theme-light", "data-vscode-theme-kind"];
  for (const node of [doc.documentElement, doc.body])
    if (node) observer.observe(node, { attributes: true, attributeFilter });
  registry.add(() => observer.disconnect());
  if (system) registry.listen(system, "change", apply);
  apply();
}
