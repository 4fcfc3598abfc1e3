"""A small marimo notebook with the explorer; run by the tests, and by hand: `marimo edit tests/system/hosts/marimo_app.py`."""

import marimo

app = marimo.App()


@app.cell
def _():
    import torch

    from kanwidget import KAN, KANExplorer, create_dataset

    return KAN, KANExplorer, create_dataset, torch


@app.cell
def _(KAN, create_dataset, torch):
    data = create_dataset(lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2)
    model = KAN([2, 5, 1], grid=3, seed=42)
    return data, model


@app.cell
def _(KANExplorer, data, model):
    # lamb keeps it from converging before anybody has looked.
    explorer = KANExplorer(model, data, opt="Adam", lamb=1e-3)
    explorer  # noqa: B018 - it is what the cell shows
    return (explorer,)


if __name__ == "__main__":
    app.run()
