"""What axe-core finds wrong for people who see, hear or move otherwise."""

from tests.system.browser.conftest import ROOT

AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"


def violations(page, within=".kanwidget"):
    """Rule → its help and the first places, in the parts of a page that a selector finds."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("(within) => axe.run(within, { resultTypes: ['violations'] })", within)
    return {
        one["id"]: [one["help"], *(f"{node['html'][:200]} {node['failureSummary']}" for node in one["nodes"][:4])]
        for one in result["violations"]
    }
