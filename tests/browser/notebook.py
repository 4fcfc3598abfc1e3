"""What the tests do in a notebook: open it, run cells, and read the explorer's own attributes. No sleeps: everything waits on these."""

ROOT = ".kanwidget"

SETUP = """
import torch
from kanwidget import KAN, KANExplorer, create_dataset

data = create_dataset(lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2)
model = KAN(width=[2, 5, 1], grid=3, k=3, seed=42)
"""


#: The notebook's own tab: the application may open others, and show one of those.
PANEL = """
window.notebookPanel = (name) => {
  const shell = window.jupyterapp?.shell;
  return shell && [...shell.widgets('main')].find((one) => one.context?.path?.endsWith(name));
};
"""


class Notebook:
    """One open notebook."""

    def __init__(self, page, server, name):
        self.page, self.server, self.name = page, server, name
        page.add_init_script(PANEL)
        self.open()

    def open(self):
        # A workspace of its own: the default one opens all notebooks of the tests before.
        workspace = self.name.removesuffix(".ipynb")
        path = f"lab/workspaces/{workspace}/tree" if self.server.application == "lab" else "notebooks"
        self.page.goto(f"{self.server.url}/{path}/{self.name}")
        self.page.wait_for_function(
            """(name) => {
              const kernel = window.notebookPanel(name)?.context.sessionContext;
              return kernel && kernel.isReady && kernel.session?.kernel?.connectionStatus === 'connected';
            }""",
            arg=self.name,
        )

    def _do(self, source, argument=None):
        """Evaluate JavaScript in which `panel` is the notebook and `a` the argument."""
        whole = f"async ([name, a]) => {{ const panel = window.notebookPanel(name); {source} }}"
        return self.page.evaluate(whole, [self.name, argument])

    def run_all(self):
        self._do(
            "window.jupyterapp.shell.activateById(panel.id); window.jupyterapp.commands.execute('notebook:run-all-cells');"
        )

    def run(self, index):
        """Run one cell, without waiting for its end."""
        self._do(
            """window.jupyterapp.shell.activateById(panel.id);
               panel.content.deselectAll();
               panel.content.activeCellIndex = a;
               window.jupyterapp.commands.execute('notebook:run-cell');""",
            index,
        )

    def output(self, index):
        """What a cell printed or returned, once it is there."""
        handle = self.page.wait_for_function(
            """([name, i]) => {
              const cell = window.notebookPanel(name).model.cells.get(i).toJSON();
              if (!cell.execution_count || !cell.outputs.length) return null;
              const text = (o) => [].concat(o.text ?? o.data?.['text/plain'] ?? o.traceback ?? '').join('');
              return cell.outputs.map(text).join('');
            }""",
            arg=[self.name, index],
        )
        return handle.json_value()

    def outputs(self, index):
        """How many outputs a cell has now."""
        return self._do("return panel.model.cells.get(a).toJSON().outputs.length;", index)

    def save(self):
        self._do("await panel.context.save();")

    def restart(self):
        """Restart the kernel, without waiting for it."""
        self._do("panel.context.sessionContext.session.kernel.restart();")

    def theme(self, name):
        self._do("await window.jupyterapp.commands.execute('apputils:change-theme', { theme: a });", name)


class Explorer:
    """The explorer's view in a page."""

    def __init__(self, page, root=ROOT):
        self.page, self.root = page, page.locator(root).first

    def see(self):
        self.root.wait_for(state="visible")
        return self

    @property
    def status(self):
        return self.root.get_attribute("data-kw-status")

    @property
    def step(self):
        return int(self.root.get_attribute("data-kw-step"))

    def until(self, condition, argument=None):
        """Wait for a condition on the root `e` and an argument `a`, in JavaScript."""
        source = f"([s, a]) => {{ const e = document.querySelector(s); return e && ({condition}); }}"
        return self.page.wait_for_function(source, arg=[ROOT, argument])

    def until_status(self, *names):
        self.until("a.includes(e.dataset.kwStatus)", list(names))

    def until_step(self, least):
        self.until("Number(e.dataset.kwStep) >= a", least)

    def click(self, action):
        self.root.locator(f'[data-kw-action="{action}"]:visible').first.click()

    def control(self, name):
        return self.root.locator(f'input[data-kw-control="{name}"]')

    def type(self, name, value):
        """Type a value beside a slider, and wait until the kernel has accepted it."""
        field = self.root.locator(f'[data-kw-field="{name}"]')
        field.fill(str(value))
        field.press("Enter")
        self.until('Number(e.querySelector(`[data-kw-control="${a[0]}"]`).dataset.kwValue) === a[1]', [name, value])

    def edge(self, key):
        return self.root.locator(f'[data-kw-edge="{key}"]')

    def select(self, key):
        """Click an edge where its wire is."""
        self.edge(key).first.dispatch_event("click")
        self.until("e.querySelector(`[data-kw-edge=\"${a}\"]`).getAttribute('aria-pressed') === 'true'", key)

    def candidates(self, least=1):
        """Names and R² of the candidates shown, once there are enough."""
        self.until("e.querySelectorAll('[data-kw-candidate][data-kw-r2]').length >= a", least)
        return self.root.locator("[data-kw-candidate]").evaluate_all(
            "all => all.map(c => [c.dataset.kwCandidate, Number(c.dataset.kwR2)])"
        )
