// Bundles the explorer into kanwidget/static. The result depends on the sources and the locked tools only,
// so a rebuild anywhere gives the same bytes as the committed files.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  target: ["es2022", "chrome120", "firefox117", "safari17.2"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};
const out = "../kanwidget/static";

// Saved pages have no kernel: the menu that starts training again and the notices stay out of their bundle.
const withoutKernel = {
  name: "without-kernel",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(restart|notices)$/ }, () => ({ path: `${root}src/bars/without-kernel.ts` })),
};
for (const [name, plugins] of [
  ["widget", []],
  ["report", [withoutKernel]],
]) {
  await build({ ...shared, plugins, entryPoints: [`src/app/${name}.ts`], format: "esm", outfile: `${out}/${name}.js` });
}
// esbuild keeps the spaces in values of custom properties; they are removed here.
const tight = (css) => css.replace(/(--kw-[\w-]+): /g, "$1:").replace(/, (?=var\(|#|"|[\w-]+[,)])/g, ",");
for (const [from, to] of [
  ["src/css/widget.css", `${out}/widget.css`],
  // Loaded by saved pages only; notebooks need not carry it.
  ["src/css/report.css", `${out}/report.css`],
]) {
  await build({ ...shared, entryPoints: [from], outfile: to });
  writeFileSync(`${root}${to}`, tight(readFileSync(`${root}${to}`, "utf8")));
}
