"""The click canvas in JupyterLab, where it stands below its cell."""

import re
from pathlib import Path

import pytest

from tests.browsing import Canvas, serving
from tests.long.shown import BLUE, RED, both, with_notebook

pytestmark = pytest.mark.long


class Lab(Canvas):
    """The same in JupyterLab, where the widget stands below its cell."""

    def start(self, address: str) -> None:
        self.page.goto(f"{address}lab/tree/demo.ipynb?token=secret")
        self.page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        self.run(0)

    def run(self, cell: int) -> None:
        """Run a cell; the kernel may be idle before JupyterLab lets it work."""
        prompt = self.page.locator(".jp-InputPrompt").nth(cell)
        while prompt.inner_text() == "[ ]:":
            self.page.locator(".jp-Cell .cm-content").nth(cell).click()
            self.page.keyboard.press("Control+Enter")
            self.page.wait_for_timeout(300)

    def cells(self) -> tuple[int, int]:
        """How many cells there are, and how many are selected."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        return cells.count(), self.page.locator(".jp-Notebook .jp-Cell.jp-mod-selected").count()


def test_in_jupyterlab(browser, tmp_path: Path):
    """Clicks and keys are the widget's alone, and what it shows is not saved."""
    command = "jupyterlab", "--allow-root", "--no-browser", "--IdentityProvider.token=secret"
    end = "import os\nos.kill(os.getpid(), 9)"
    with serving(with_notebook(tmp_path, end), *command) as address:
        lab = Lab(browser, address, viewport={"width": 1100, "height": 1200})
        lab.reset()
        lab.click(RED)
        lab.click(BLUE)
        lab.page.keyboard.down("Shift")
        lab.click(BLUE)
        lab.page.keyboard.up("Shift")
        assert both(lab) == (True, False)
        lab.click(RED, button="right")
        assert both(lab) == (False, False) and not lab.page.locator(".lm-Menu").count()
        lab.press("u", "u", "y", "ArrowDown", "Enter", "Shift+Enter", "u", "c", "u")
        assert both(lab) == (True, False) and "3 clicks" in lab.status  # one set on another
        assert lab.cells() == (3, 1), "no key or click was JupyterLab's"
        lab.run(1)
        lab.page.wait_for_selector(".jp-OutputArea-output >> text=(300.0, 204.0, 1)]")
        lab.click(RED)  # the canvas has the focus again
        lab.page.keyboard.press("Control+s")  # which is JupyterLab's own
        lab.page.wait_for_selector(".jp-mod-current:not(.jp-mod-dirty)")
        saved = (tmp_path / "demo.ipynb").read_text()
        assert "widget-view" in saved and not re.search(r"data:image|;base64,|iVBOR", saved)
        lab.page.locator(".jp-Cell .cm-content").nth(2).click()
        lab.page.keyboard.press("Control+Enter")
        lab.page.wait_for_selector(".cc-text >> text=The kernel is gone", timeout=30_000)
        lab.page.context.close()
