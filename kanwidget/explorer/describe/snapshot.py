"""A session as a snapshot, and its smaller parts: status, settings, selection, metrics, notice."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget.core import EdgeRef, StepRecord
from kanwidget.core.primitives import primitives
from kanwidget.explorer.describe.candidates import candidates
from kanwidget.explorer.describe.errors import error_name, label_spread
from kanwidget.explorer.describe.formula import progress
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.describe.history import history
from kanwidget.explorer.describe.labels import node_name
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.guide.best import better
from kanwidget.explorer.guide.steps import guidance
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import finite, pack
from kanwidget.explorer.session.presets import PRESETS
from kanwidget.explorer.session.samples import edge_detail, sampled
from kanwidget.explorer.session.session import Session
from kanwidget.symbolic.formulas.words import level_mean

#: Rows of metrics, and numbers of all thumbnails in a snapshot: large networks get coarser thumbnails.
_MAX_ROWS, _MAX_THUMB_NUMBERS = 1000, 15_000


def snapshot(
    session: Session,
    driver: p.DriverKind = "thread",
    task: str | None = None,
    seq: int = 0,
    formula: p.Formula | None = None,
    edges: Sequence[EdgeRef] | None = None,
) -> p.Snapshot:
    """Everything that a page needs to draw the explorer without the kernel.

    Args:
        session: The session; only its caches change.
        driver: The kind of its driver.
        task: A longer task in progress, in words.
        seq: Number of the message.
        formula: The formula of the current state, None where it hasn't been computed.
        edges: The selected edges; by default the session's.
    """
    edges = session.view.selection if edges is None else edges
    edge = edges[0] if edges else None
    selected, detail = selection(session, edges)
    busy = edge is not None and not session.candidates.is_cached(edge)  # not searched yet: the page says so
    fits, fitted = candidates(session, edge, busy)
    n_edges = len(session.model.edge_refs())
    # A thumbnail has three numbers beside its samples: importance and the ends of x.
    samples = max(5, min(p.THUMB_SAMPLES, _MAX_THUMB_NUMBERS // max(1, n_edges) - 3))
    # Another number of samples than that of frames needs a pass of its own.
    shown = session.samples() if samples == p.THUMB_SAMPLES else sampled(session.model, session.x, samples)
    arrays, buffer = pack(
        {
            "metrics": metrics(session.run.records, _MAX_ROWS),
            **later_metrics(session, _MAX_ROWS),
            "curves": shown.thumbnails,
            **{f"selection.{name}": value for name, value in detail.items()},
            **{f"candidates.{name}": value for name, value in fitted.items()},
        }
    )
    return {
        "v": p.VERSION,
        "seq": seq,
        "structure": structure(session),
        "status": status(session, driver, task),
        "settings": settings(session),
        "selection": selected,
        "candidates": fits,
        "formula": progress(session) if formula is None else formula,
        "history": history(session),
        "guide": guide(session),
        "primitives": primitive_names(),
        "error": error(session),
        "n_metrics": len(session.run.records),
        "arrays": arrays,
        "buffer": buffer,
    }


def status(session: Session, driver: p.DriverKind, task: str | None = None) -> p.Status:
    """State of the training, with its last record. `driver` is the kind of the driver, `task` a longer task in progress in words."""
    # The last record, the best step where it is clearly better, and how many rows the next step takes.
    record, best, rows = session.run.last_record, better(session), session.run.trainer.rows
    content: p.Status = {
        "state": state_of(session),
        "step": record.step,
        "train": finite(record.train_loss),
        "test": finite(record.test_loss),
        "penalty": finite(record.penalty),
        "ms_per_step": finite(session.run.ms_per_step),
        "stop_reason": session.run.stop_reason,
        "driver": driver,
        "task": task,
        "best": None if best is None else {"step": best.step, "error": best.error},
    }
    if session.data.is_classification:
        content["accuracy"] = finite(session.accuracy())
    if session.process is not None:
        content["process"] = session.process.word  # what it does in place of training
    if not rows.complete:  # of a large table a step takes a sample at first
        content["rows"] = [rows.count, rows.total]
    return content


def state_of(session: Session) -> p.State:
    """The state in a word: a training that is paused is done once the steps have led to a formula, and nothing waits to go on."""
    if session.process is not None:  # a longer act in progress, such as a simplification
        return "running"
    result = session.formula_result
    ended = result is not None and result.error is None and guidance(session).act is None
    return "done" if ended and session.run.state == "paused" else session.run.state


def settings(session: Session) -> p.Settings:
    """The settings in effect, as the page shows them."""
    training = session.run.trainer.settings
    return {
        "lamb": training.lamb,
        "grid": session.model.grid,
        "opt": training.opt,
        "opts": session.run.optimizers,
        "lr": training.lr,
        "simplicity": session.candidates.simplicity,
        "loss": loss_name(session),
        "error_name": error_name(session),
        "label_spread": label_spread(session),
        "batch": training.batch,
        "noise": session.run.noise,  # on the training labels, in their standard deviations
        "seed": session.run.seed,
        "rows": len(session.data.train_input),
        "presets": [] if session.preset is None else list(PRESETS),
        "preset": session.preset,
    }


def loss_name(session: Session) -> str:
    """Name of the loss, for people: `RMSE` where the root of mean squares is shown."""
    row = session.run.trainer.loss
    return "RMSE" if row.root else row.name.replace("cross_entropy", "cross-entropy")


def selection(session: Session, edges: Sequence[EdgeRef]) -> tuple[p.Selection, dict[str, Tensor]]:
    """The payload about the selected `edges`, and of the first one the arrays that its plot needs; without edges there are no arrays.

    They are its curve and the parts of it, `(4 or 5, n)`, grid and coefficients, the density of its inputs, and as `points`, `(2, rows)`,
    inputs with the values of the edge that would make the network's outputs equal to the labels.
    """
    if not edges:
        return {"edges": []}, {}
    layer, source, target = edge = edges[0]
    arrays, data_range = edge_detail(session.model, edge, session.x, session.run.posterior())
    arrays["points"] = session.run.dots(edge)
    payload: p.Selection = {
        "edges": [list(selected) for selected in edges],
        "x_name": node_name(session, layer, source),
        "importance": finite(float(session.scores().edge_scores[layer][target, source])) or 0.0,
        "k": session.model.layer(layer).k,
    }
    if all(map(math.isfinite, data_range)):
        payload["data_range"] = data_range
    if session.model.layer(layer).levels[source]:
        payload["levels"] = list(session.data.levels[int(session.model.columns[source])])
        inputs, asked = arrays["points"]
        # The values of levels are drawn about their mean, and so is what the rows ask of the edge.
        arrays["points"] = torch.stack([inputs, asked - level_mean(session.model, edge)])
    return payload, arrays


def metrics(records: Sequence[StepRecord], limit: int) -> Tensor:
    """Rows of `METRIC_COLUMNS`, thinned evenly above `limit` (the last one stays), `(n, 5)`."""
    if len(records) > limit:
        picked = torch.linspace(0, len(records) - 1, limit, dtype=torch.float64).round().long().tolist()
        records = [records[index] for index in picked]
    rows = [
        (r.step, r.seconds, r.train_loss, math.nan if r.test_loss is None else r.test_loss, r.penalty) for r in records
    ]
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, len(p.METRIC_COLUMNS))


def later_metrics(session: Session, limit: int) -> dict[str, Tensor]:
    """Rows as of `metrics` of the steps that a return has left behind, at most `limit`, as the array `later`; none without such steps."""
    later = session.later_records()
    return {"later": metrics(later, limit)} if later else {}


def error(session: Session) -> p.ErrorInfo | None:
    """The payload of the notice that the page shows; None where it shows none."""
    notice = session.view.notice
    return None if notice is None else {"title": notice.title, "message": notice.message, "hint": notice.hint}


def examples() -> list[p.Example]:
    """The problems of the gallery."""
    return [
        {"name": name, "formula": row.formula, "line": f"{row.line} {row.outlook}"} for name, row in PRESETS.items()
    ]


def primitive_names() -> list[str]:
    """Names of the whole library."""
    return [row.name for row in primitives()]
