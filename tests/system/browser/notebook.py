"""A notebook for the tests: they open it, run cells, and read attributes of the explorer. No sleeps: everything waits for attributes."""

from ast import literal_eval

from tests.system.browser.conftest import PATIENCE

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


#: Pass the kernel's standard error on to the test, from any thread.
LISTEN = """
panel.context.sessionContext.iopubMessage.connect((_, { header, content }) => {
  if (header.msg_type === 'error') window.kernelSaid(content.traceback.join('\\n'));
  if (header.msg_type === 'stream' && content.name === 'stderr') window.kernelSaid(content.text);
  if (header.msg_type === 'comm_open') window.kernelOpened(content.comm_id);
});
"""

#: Exceptions that no cell would show. `defects` stays in the kernel until the test asks for it.
GUARD = """
import sys as _sys, threading as _threading
defects = []
_threading.excepthook = lambda e: defects.append(f"{e.thread and e.thread.name}: {e.exc_type.__name__}: {e.exc_value}")
_sys.unraisablehook = lambda e: defects.append(f"unraisable: {e.object!r}: {e.exc_value!r}")
"""


class Notebook:
    """One open notebook."""

    def __init__(self, page, server, name):
        self.page, self.server, self.name = page, server, name
        self.said, self.comms = [], set()
        page.add_init_script(PANEL)
        # The browser wants functions, not methods of lists.
        page.expose_function("kernelSaid", lambda text: self.said.append(text))
        page.expose_function("kernelOpened", lambda comm: self.comms.add(comm))
        # A workspace of its own: the default one opens all notebooks of the tests before.
        workspace = name.removesuffix(".ipynb")
        path = f"lab/workspaces/{workspace}/tree" if server.application == "lab" else "notebooks"
        page.goto(f"{server.url}/{path}/{name}")
        self._ready()
        self.evaluate("None", GUARD)

    def reload(self):
        self.page.reload()
        self._ready()

    def reload_explorer(self, cell):
        """Load the page anew at the explorer of the cell with this id; once more, as a person would, where no widget comes.

        JupyterLab's manager asks the kernel for all widgets when a page opens. Where an answer is lost on a busy machine, it waits
        for ever or forgets the error (`_loadFromKernelModels` and `restoreWidgets` of jupyterlab_widgets 3.0), and says no more.
        """
        for patience in (PATIENCE / 4, PATIENCE):
            self.reload()
            self.show(cell)
            view = Explorer(self.page)
            if view.appears(patience):
                return view.see()
            outputs = self.page.locator(".jp-OutputArea-output").all_inner_texts()
            found = [text[:200] for text in outputs if "widget" in text.lower()]
            assert not self.page.problems, (self.page.problems, found)
        raise AssertionError(f"no explorer in a page that was loaded anew twice: {found}, {self.said}")

    def _ready(self):
        self.page.wait_for_function(
            """(name) => {
              const kernel = window.notebookPanel(name)?.context.sessionContext;
              return kernel && kernel.isReady && kernel.session?.kernel?.connectionStatus === 'connected';
            }""",
            arg=self.name,
        )
        self.page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")
        self._do(LISTEN)
        self.version = self._do("return window.jupyterapp.version;")

    def evaluate(self, expression, first=""):
        """The `repr` of an expression in the kernel, after some statements, past all cells."""
        reply = self._do(
            """const kernel = panel.context.sessionContext.session.kernel;
               const wish = { code: a[0], silent: true, store_history: false, user_expressions: { it: a[1] } };
               return (await kernel.requestExecute(wish).done).content;""",
            [first, expression],
        )
        assert reply["status"] == "ok", reply
        assert reply["user_expressions"]["it"]["status"] == "ok", reply
        return reply["user_expressions"]["it"]["data"]["text/plain"]

    def _of_the_application(self, text):
        """Applications ask kernels for widgets before anything has imported the library of widgets.

        JupyterLab deletes the subshell of a widget that goes; ipykernel says so of each message that still waits there.
        """
        if "_async_in_context.<locals>.run_in_context" in text:
            return True
        what, _, name = text.strip().rpartition(": ")
        target = what == "No such comm target registered" and name == "jupyter.widget.control"
        return target or (what == "No such comm" and name not in self.comms)

    def complaints(self):
        """All that went wrong: in the kernel (its channel of errors, threads, the server's log) and in the browser."""
        return [
            # A line and its end may come as two messages.
            *(f"stderr: {text.strip()}" for text in self.said if text.strip() and not self._of_the_application(text)),
            *(f"thread: {text}" for text in literal_eval(self.evaluate("defects"))),
            *(f"log: {text}" for text in self.server.tracebacks()),
            *(f"browser: {text}" for text in self.page.problems),
        ]

    def _do(self, source, argument=None):
        """Evaluate JavaScript in which `panel` is the notebook and `a` the argument."""
        whole = f"""async ([name, a]) => {{
          const work = async () => {{ const panel = window.notebookPanel(name); {source} }};
          const late = (_, fail) => setTimeout(() => fail(new Error("the kernel or the page never answered")), {PATIENCE});
          return Promise.race([work(), new Promise(late)]);
        }}"""
        return self.page.evaluate(whole, [self.name, argument])  # which has no patience of its own to end

    def _activate(self):
        """Commands act on the current tab."""
        self._do("window.jupyterapp.shell.activateById(panel.id);")
        self.page.wait_for_function(
            "name => window.jupyterapp.shell.currentWidget === window.notebookPanel(name)", arg=self.name
        )

    def run_all(self):
        self._activate()
        self._do("window.jupyterapp.commands.execute('notebook:run-all-cells');")

    def finished(self):
        """Wait until every code cell has run, and stop at the first that failed."""
        handle = self.page.wait_for_function(
            """(name) => {
              const panel = window.notebookPanel(name);
              const cells = panel.model.sharedModel.cells.filter((one) => one.cell_type === 'code');
              const failed = cells.flatMap((one) => one.outputs.filter((o) => o.output_type === 'error'));
              if (failed.length) return failed.map((o) => `${o.ename}: ${o.evalue}`);
              const idle = panel.context.sessionContext.session.kernel.status === 'idle';
              return idle && cells.every((one) => one.execution_count) ? [] : null;
            }""",
            arg=self.name,
        )
        assert handle.json_value() == []

    def show(self, cell):
        """Scroll to the cell with this id."""
        self._do(
            """const index = panel.content.widgets.findIndex((one) => one.model.id === a);
               panel.content.activeCellIndex = index;
               await panel.content.scrollToItem(index, 'start');""",
            cell,
        )

    def run(self, index):
        """Run one cell, without waiting for its end."""
        self._activate()
        self._do(
            """panel.content.deselectAll();
               panel.content.activeCellIndex = a;
               window.jupyterapp.commands.execute('notebook:run-cell');""",
            index,
        )

    def output(self, index):
        """The output of a cell, once there is some."""
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

    def until_outputs(self, index, count):
        """Wait until a cell has so many outputs, though it may still run."""
        self.page.wait_for_function(
            "([name, i, n]) => window.notebookPanel(name).model.cells.get(i).toJSON().outputs.length >= n",
            arg=[self.name, index, count],
        )

    def save(self):
        self._do("await panel.context.save();")

    def restart(self):
        """Restart the kernel, without waiting for it."""
        self._do("panel.context.sessionContext.session.kernel.restart();")

    def theme(self, name):
        """Change the theme, and wait until the application has taken its curtain away."""
        self._do("await window.jupyterapp.commands.execute('apputils:change-theme', { theme: a });", name)
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name && !document.querySelector('#jupyterlab-splash')",
            arg=name,
        )


KNOTS = """([...e.querySelectorAll('[data-kw-panel="inspector"] path')]
  .find(one => one.textContent === 'knots of the grid')?.getAttribute('d').split('M').length ?? 1) - 1"""

#: The history strip is where the session is.
CURRENT_IS_SEEN = """(() => {
  const strip = e.querySelector('[data-kw-panel="history"]').getBoundingClientRect();
  const chip = e.querySelector('[data-kw-state-id][aria-current]').getBoundingClientRect();
  return chip.width > 0 && chip.left >= strip.left - 1 && chip.right <= strip.right + 1 && chip.bottom <= strip.bottom + 1;
})()"""

#: Observers of sizes run after the next frame, and what they draw may change another size: waits for four frames in a row, each
#: with the timers behind it, that change nothing on the page; one that never rests (it trains) gets a hundred.
SETTLE = """() => new Promise((done) => {
  let [changed, quiet, most] = [false, 0, 100];
  const seen = new MutationObserver(() => { changed = true; });
  seen.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  const next = () => requestAnimationFrame(() => setTimeout(() => {
    [quiet, changed] = [changed ? 0 : quiet + 1, false];
    if (quiet < 4 && most--) return next();
    seen.disconnect();
    done();
  }));
  next();
})"""
#: Elements that are too wide or lie outside: the page, and controls that the explorer's border cuts off.
OUTSIDE = """() => {
  const frame = document.querySelector('.kw-frame').getBoundingClientRect();
  const scrolled = '.kw-history, .kw-scroll:has(> .kw-candidates), .kw-output, .kw-math';
  const controls = [...document.querySelectorAll('.kanwidget :is(button, input, select)')].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width && !one.closest(scrolled) && (box.left < frame.left - 1 || box.right > frame.right + 1);
  });
  const page = document.documentElement.scrollWidth - innerWidth;
  return [...(page > 0 ? [`the page, by ${page} px`] : []), ...controls.map((one) => one.outerHTML.slice(0, 200))];
}"""


class Explorer:
    """The explorer's view in a page."""

    def __init__(self, page, root=ROOT):
        self.page, self.root = page, page.locator(root).first

    def see(self):
        self.root.wait_for(state="visible")
        return self

    def appears(self, patience):
        """Whether it is in the page within so many milliseconds."""
        from playwright.sync_api import TimeoutError as Late

        try:
            self.root.wait_for(state="attached", timeout=patience)
        except Late:
            return False
        return True

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
        return self.root.locator(f'[data-kw-control="{name}"]')

    def until_accepted(self, name, value):
        self.until('Number(e.querySelector(`[data-kw-control="${a[0]}"]`).dataset.kwValue) === a[1]', [name, value])

    def accepted(self, name):
        return float(self.control(name).get_attribute("data-kw-value"))

    def range(self, name):
        """The slider itself, for keys."""
        return self.root.locator(f'input[type="range"][data-kw-control="{name}"]')

    def slide(self, name, part):
        """Click a slider with the mouse at a part of its length; the value it then says, once the kernel has accepted it."""
        slider = self.range(name)
        before, box = slider.get_attribute("data-kw-value"), slider.bounding_box()
        slider.click(position={"x": part * box["width"], "y": box["height"] / 2})
        self.until('e.querySelector(`[data-kw-control="${a[0]}"]`).dataset.kwValue !== a[1]', [name, before])
        value = self.accepted(name)
        assert float(slider.get_attribute("aria-valuetext")) == value
        return value

    def curves(self):
        """The description of the training curves."""
        return self.root.locator('[data-kw-panel="curves"] svg').first.get_attribute("aria-label")

    def edge(self, key):
        return self.root.locator(f'[data-kw-edge="{key}"]')

    def select(self, key):
        """Click an edge's thumbnail with the mouse."""
        self.edge(key).click()
        self.until("e.querySelector(`[data-kw-edge=\"${a}\"]`).getAttribute('aria-pressed') === 'true'", key)

    def until_state(self, key, state):
        self.until('e.querySelector(`[data-kw-edge="${a[0]}"]`).dataset.kwState === a[1]', [key, state])

    def knots(self):
        """How many knots the drawing of the selected edge shows."""
        self.until(f"({KNOTS}) > 0")
        return self.root.evaluate(f"e => {KNOTS}")

    def until_knots(self, count):
        self.until(f"({KNOTS}) === a", count)

    @property
    def formula(self):
        return self.root.locator("[data-kw-formula]").get_attribute("data-kw-formula")

    def alert(self):
        """Title, message and hint of the error that is shown."""
        shown = self.root.get_by_role("alert")
        shown.wait_for(state="visible")
        return shown.get_attribute("data-kw-error"), shown.inner_text()

    def everything(self):
        """The state that a reloaded page must show again."""
        return self.root.evaluate(
            """e => ({
              status: e.dataset.kwStatus,
              step: e.dataset.kwStep,
              formula: e.querySelector('[data-kw-formula]').dataset.kwFormula,
              settings: [...e.querySelectorAll('[data-kw-control][data-kw-value]')]
                .map(c => [c.dataset.kwControl, c.dataset.kwValue]),
              edges: [...e.querySelectorAll('[data-kw-edge]')]
                .map(one => [one.dataset.kwEdge, one.dataset.kwState, one.getAttribute('aria-pressed')]).sort(),
              candidates: [...e.querySelectorAll('[data-kw-candidate]')].map(c => [c.dataset.kwCandidate, c.dataset.kwR2]),
              history: [...e.querySelectorAll('[data-kw-state-id]')]
                .map(chip => [chip.textContent, chip.getAttribute('aria-current')]),
            })"""
        )

    def candidates(self, least=1):
        """Names and R² of the candidates shown, once there are enough."""
        self.until("e.querySelectorAll('[data-kw-candidate][data-kw-r2]').length >= a", least)
        return self.root.locator("[data-kw-candidate]").evaluate_all(
            "all => all.map(c => [c.dataset.kwCandidate, Number(c.dataset.kwR2)])"
        )
