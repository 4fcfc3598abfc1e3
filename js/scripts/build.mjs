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

// What only a kernel can do stays out of saved pages.
const reading = {
  name: "reading",
  setup: ({ onResolve }) => onResolve({ filter: /^\.\/again$/ }, () => ({ path: `${root}src/views/never-again.ts` })),
};
for (const [name, plugins] of [
  ["widget", []],
  ["report", [reading]],
]) {
  await build({ ...shared, plugins, entryPoints: [`src/${name}.ts`], format: "esm", outfile: `${out}/${name}.js` });
}
// Values of custom properties are left as written by the minifier: their spaces go here.
const tight = (css) => css.replace(/(--kw-[\w-]+): /g, "$1:").replace(/, (?=var\(|#|"|[\w-]+[,)])/g, ",");
for (const [from, to] of [
  ["src/widget.css", `${out}/widget.css`],
  // Only saved pages have it: notebooks need not carry it.
  ["src/css/report.css", `${out}/report.css`],
]) {
  await build({ ...shared, entryPoints: [from], outfile: to });
  writeFileSync(`${root}${to}`, tight(readFileSync(`${root}${to}`, "utf8")));
}
