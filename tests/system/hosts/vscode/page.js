// The part of VS Code's notebooks that shows widgets: its widget manager, with a kernel that a Jupyter server runs. What the extension
// does around the manager is done here in few lines: it runs cells, shows their outputs, and finds the scripts of widgets.
import { KernelManager, ServerConnection } from "@jupyterlab/services";

const VIEW = "application/vnd.jupyter.widget-view+json";
const wanted = new URLSearchParams(location.search).get("kernel");
const baseUrl = `${location.origin}/`;
const serverSettings = ServerConnection.makeSettings({ baseUrl, wsUrl: baseUrl.replace("http", "ws"), token: "" });
const kernels = new KernelManager({ serverSettings });
await kernels.ready;
const kernel = wanted
  ? kernels.connectTo({ model: { id: wanted, name: "python3" } })
  : await kernels.startNew({ name: "python3" });
await kernel.info;

// As the extension does: the manager defines the modules of ipywidgets for require.js, others come from the kernel's nbextensions.
const { activate } = await import("./ipywidgets.js");
activate();
window.vscIPyWidgets8.load();
const problems = [];
const scripts = {
  widgetsRegisteredInRequireJs: new Set(),
  loadWidgetScript: async (name) => {
    window.requirejs.config({ paths: { [name]: `nbextensions/${name}/index` } });
    scripts.widgetsRegisteredInRequireJs.add(name);
  },
  successHandler: () => {},
  errorHandler: (className, moduleName, version, error) => problems.push(`${moduleName} ${className}: ${error}`),
};
const manager = new window.vscIPyWidgets.WidgetManager(kernel, document.body, scripts, () => {});
await manager._loadFromKernel();

/** Shows one output: a widget in the manager's view, HTML and text as they are. */
async function show(data) {
  const node = document.createElement("div");
  document.querySelector("#outputs").append(node);
  if (data[VIEW]) {
    const view = await manager.create_view(await manager.get_model(data[VIEW].model_id), { el: node });
    await manager.display_view(data, view, { node });
  } else if (data["text/html"]) node.innerHTML = data["text/html"];
  else node.textContent = data["text/plain"] ?? "";
}

/** Runs a cell; its outputs, which `show` shows again after the page was loaded anew. */
async function run(code) {
  const outputs = [];
  const future = kernel.requestExecute({ code });
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === "error") problems.push(content.traceback.join("\n"));
    if (header.msg_type === "stream" && content.name === "stderr") problems.push(content.text);
    if (content.data) outputs.push(content.data);
  };
  await future.done;
  for (const data of outputs) await show(data);
  return outputs;
}

/** The `repr` of an expression in the kernel. */
async function evaluate(expression) {
  const { content } = await kernel.requestExecute({ code: "", silent: true, user_expressions: { it: expression } }).done;
  return content.user_expressions.it.data["text/plain"];
}

window.notebook = { id: kernel.id, run, show, evaluate, problems };
