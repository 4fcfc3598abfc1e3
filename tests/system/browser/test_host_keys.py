"""Keys of the host while the focus is inside the explorer: shortcuts of JupyterLab and Notebook work, those of their command mode don't."""

import json

import pytest

from tests.system.browser.notebook import SETUP, Explorer, Notebook

pytestmark = pytest.mark.browser
CELL = "explorer = KANExplorer(model, data)\nexplorer"
EDGE, FIELD = '[data-kw-edge="0-0-0"]', '[data-kw-field="lamb"]'

#: Every command that the application carries out from now on.
RECORD = """
window.executed = [];
window.jupyterapp.commands.commandExecuted.connect((_, { id }) => window.executed.push(id));
"""
#: Commands that change the notebook or its selection of cells.
ON_CELLS = "() => window.executed.filter((id) => /^(notebook|editmenu|runmenu):/.test(id))"


class Session:
    """A notebook with an explorer in its second cell."""

    def __init__(self, page, server, name):
        self.page, self.file = page, server.folder / "files" / name
        server.write(name, [SETUP, CELL, "after = 1"])
        self.notebook = Notebook(page, server, name)
        self.notebook.run_all()
        self.notebook.finished()
        self.view = Explorer(page).see()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.evaluate(f"() => {{ {RECORD} }}")

    def focus(self, selector=None):
        """Put the focus on an element of the explorer (without one: where it was), and forget the commands until now."""
        self.selector = selector or self.selector
        # A click, as a person does it, makes the explorer's cell the active one.
        self.page.locator(self.selector).click()
        self.page.locator(self.selector).focus()
        self.page.wait_for_function("s => document.activeElement.matches(s)", arg=self.selector)
        self.page.evaluate("() => { window.executed.length = 0; }")

    def panel(self, expression):
        """A value of the notebook's panel, in JavaScript."""
        return self.page.evaluate(
            f"(name) => {{ const panel = window.notebookPanel(name); return {expression}; }}", self.notebook.name
        )

    def until(self, condition, argument=None):
        """Wait for a condition on the notebook's panel."""
        self.page.wait_for_function(
            f"([name, a]) => {{ const panel = window.notebookPanel(name); return {condition}; }}",
            arg=[self.notebook.name, argument],
        )

    def cells(self):
        return self.panel("panel.model.sharedModel.cells.map((one) => one.cell_type + one.source)")


@pytest.mark.parametrize("name", ["lab", "classic"])
def test_keys_go_to_the_explorer_or_to_the_host(page, request, name):
    server = request.getfixturevalue(name)
    session = Session(page, server, "keys.ipynb")
    for selector in (EDGE, FIELD):
        session.focus(selector)
        the_host_gets_its_shortcuts(page, server, session)
        session.focus()
        keys_of_the_explorer_do_not_act_on_the_notebook(page, session)
    session.focus(FIELD)
    the_clipboard_works_in_a_field(page)
    assert session.notebook.complaints() == []


def the_host_gets_its_shortcuts(page, server, session):
    # Ctrl+S writes the file
    saved = session.panel("panel.context.contentsModel.last_modified")
    session.panel(f"panel.model.setMetadata('marked', {json.dumps(session.selector)})")
    page.keyboard.press("Control+s")
    session.until("!panel.model.dirty && panel.context.contentsModel.last_modified !== a", saved)
    assert json.loads(session.file.read_text())["metadata"]["marked"] == session.selector

    # Ctrl+F opens the search in the notebook
    page.keyboard.press("Control+f")
    page.locator(".jp-DocumentSearch-overlay").wait_for(state="visible")
    page.keyboard.press("Escape")
    page.locator(".jp-DocumentSearch-overlay").wait_for(state="detached")
    session.focus()

    # Ctrl+B shows and hides the sidebar; Notebook 7 has none
    if server.application == "lab":
        collapsed = page.evaluate("() => window.jupyterapp.shell.leftCollapsed")
        page.keyboard.press("Control+b")
        page.wait_for_function("before => window.jupyterapp.shell.leftCollapsed !== before", arg=collapsed)
        session.focus()

    # Shift+Enter runs the explorer's cell and goes to the next one
    count = session.panel("panel.model.cells.get(1).executionCount")
    page.keyboard.press("Shift+Enter")
    session.until("panel.model.cells.get(1).executionCount > a", count)
    session.until("panel.content.activeCellIndex === 2")
    session.notebook.finished()


def keys_of_the_explorer_do_not_act_on_the_notebook(page, session):
    before, active = session.cells(), session.panel("panel.content.activeCellIndex")
    typed = ["a", "b", "d", "d", "x", "v", "m", "y", "1", "j", "k", "o", "Shift+m", "Shift+Space"]
    for key in [*typed, "ArrowDown", "ArrowUp", "Delete", "Control+z", "Control+Shift+z", "Enter", "Escape"]:
        page.keyboard.press(key)
    assert page.evaluate("() => document.activeElement.closest('.kanwidget') !== null")
    assert page.evaluate(ON_CELLS) == []
    assert session.cells() == before
    assert session.panel("panel.content.activeCellIndex") == active
    assert session.panel("panel.content.mode") == "command"


def the_clipboard_works_in_a_field(page):
    page.keyboard.press("Control+a")
    page.keyboard.type("0.0625")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.wait_for_function("async () => (await navigator.clipboard.readText()) === '0.0625'")
    page.keyboard.press("Control+x")
    assert page.locator(FIELD).input_value() == ""
    page.keyboard.press("Control+v")
    assert page.locator(FIELD).input_value() == "0.0625"
    # Undo is the field's own, neither the explorer's nor that of the cells. What it restores is the browser's affair.
    page.evaluate(
        """s => document.querySelector(s).addEventListener('beforeinput', (event) => { window.undone = event.inputType; })""",
        FIELD,
    )
    page.keyboard.press("Control+z")
    page.wait_for_function("() => window.undone === 'historyUndo'")
    assert page.evaluate(ON_CELLS) == []
