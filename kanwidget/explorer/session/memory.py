"""What a trainer knows beside the network: how far it is, and its optimiser's memory, taken out and put back bit for bit."""

from __future__ import annotations

import copy
from typing import Any

import torch

from kanwidget.training import Trainer
from kanwidget.training.optimizers.gradient import GradientMethod
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt

#: What Levenberg-Marquardt remembers, and as what a number is kept.
_LM: dict[str, type[float] | type[int]] = {"damping": float, "_growth": float, "_small": int}


def take(trainer: Trainer) -> dict[str, Any]:
    """A copy of what the trainer knows."""
    memory: dict[str, Any] = {
        "step_count": trainer.step_count,
        "seconds": trainer.seconds,
        "stop_reason": trainer.stop_reason,
    }
    optimizer = trainer.optimizer
    if isinstance(optimizer, LevenbergMarquardt):
        memory["LM"] = {name: kind(getattr(optimizer, name)) for name, kind in _LM.items()}
    elif isinstance(optimizer, GradientMethod):
        memory[trainer.opt] = {
            "lr": optimizer.lr,
            "generator": optimizer._generator.get_state(),
            "state": copy.deepcopy(optimizer._optimizer.state_dict()),
        }
    return memory


def put(trainer: Trainer, memory: dict[str, Any]) -> None:
    """Set what the trainer knows; its network must be the one of then.

    The optimiser's memory is left new where another method is used now.
    """
    for name in ("step_count", "seconds", "stop_reason"):
        setattr(trainer, name, memory[name])
    trainer.reset()
    known, optimizer = memory.get(trainer.opt), trainer.optimizer
    if known is None:
        return
    if isinstance(optimizer, LevenbergMarquardt):
        for name, value in known.items():
            setattr(optimizer, name, torch.full_like(optimizer.damping, value))
    elif isinstance(optimizer, GradientMethod):
        if optimizer.lr != known["lr"]:
            optimizer.lr = known["lr"]
            optimizer._optimizer = optimizer._make(optimizer._parameters, optimizer.lr)
        optimizer._generator.set_state(known["generator"])
        optimizer._optimizer.load_state_dict(copy.deepcopy(known["state"]))
