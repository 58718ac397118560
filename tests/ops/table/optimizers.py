"""The optimizers' updates: dense and sparse, of reference and of resource variables."""

from __future__ import annotations

from typing import Any

from tests.ops.rows import Case, Input, case, grid, positive, ref, resource, row, value

# What each argument may be, by its name in the OpDef. All but the last group are variables.
CELLS: dict[str, Input] = {
    "var": grid(4, 2),
    "m": grid(4, 2),
    "v": positive(4, 2),
    "vhat": positive(4, 2),
    "accum": positive(4, 2),
    "accum_update": positive(4, 2),
    "linear": grid(4, 2),
    "mg": grid(4, 2, low=-0.25, high=0.25),
    "ms": positive(4, 2, low=1),
    "mom": grid(4, 2),
    "gradient_accumulator": grid(4, 2),
    "gradient_squared_accumulator": positive(4, 2),
}
NUMBERS: dict[str, float] = {
    "lr": 0.125,
    "alpha": 0.5,
    "beta": 0.875,
    "beta1": 0.875,
    "beta2": 0.984375,
    "beta1_power": 0.75,
    "beta2_power": 0.96875,
    "epsilon": 0.0625,
    "rho": 0.875,
    "momentum": 0.5,
    "l1": 0.0625,
    "l2": 0.125,
    "l2_shrinkage": 0.0625,
    "lr_power": -0.5,
    "logbase": 1.0,
    "sign_decay": 0.75,
    "global_step": 3,
}

# Arguments in the OpDef's order; "[indices]" is where the sparse form has them, if it is there.
RULES = {
    "GradientDescent": "var alpha delta",
    "Momentum": "var accum lr grad [indices] momentum",
    "KerasMomentum": "var accum lr grad [indices] momentum",
    "Adam": "var m v beta1_power beta2_power lr beta1 beta2 epsilon grad",
    "AdamWithAmsgrad": "var m v vhat beta1_power beta2_power lr beta1 beta2 epsilon grad",
    "AdaMax": "var m v beta1_power lr beta1 beta2 epsilon grad",
    "Adadelta": "var accum accum_update lr rho epsilon grad [indices]",
    "Adagrad": "var accum lr grad [indices]",
    "AdagradV2": "var accum lr epsilon grad [indices]",
    "AdagradDA": (
        "var gradient_accumulator gradient_squared_accumulator grad [indices] lr l1 l2 global_step"
    ),
    "AddSign": "var m lr alpha sign_decay beta grad",
    "PowerSign": "var m lr logbase sign_decay beta grad",
    "RMSProp": "var ms mom lr rho momentum epsilon grad [indices]",
    "CenteredRMSProp": "var mg ms mom lr rho momentum epsilon grad [indices]",
    "Ftrl": "var accum linear grad [indices] lr l1 l2 lr_power",
    "FtrlV2": "var accum linear grad [indices] lr l1 l2 l2_shrinkage lr_power",
    "ProximalAdagrad": "var accum lr l1 l2 grad [indices]",
    "ProximalGradientDescent": "var alpha l1 l2 grad [indices]",
}
ONLY_RESOURCE = ("KerasMomentum", "AdamWithAmsgrad")
# Attributes worth a case of their own.
SWITCHES: dict[str, dict[str, Any]] = {
    "Momentum": {"use_nesterov": True},
    "KerasMomentum": {"use_nesterov": True},
    "Adam": {"use_nesterov": True},
    "Adagrad": {"update_slots": False},
    "AdagradV2": {"update_slots": False},
    "Ftrl": {"multiply_linear_by_lr": True},
    "FtrlV2": {"multiply_linear_by_lr": True},
}
SEVERAL_ROUNDINGS = {"half": 8e-3, "bfloat16": 6e-2, "float": 1e-5}


def use(rule: str, of_resource: bool, indices: list[int] | None, **attrs: Any) -> Case:
    """One update: of the whole variable, or of the rows at ``indices``."""
    inputs: list[Input] = []
    for name in RULES[rule].split():
        if name in CELLS:
            cell = CELLS[name]
            inputs.append(resource("T", cell) if of_resource else ref(cell))
        elif name in ("grad", "delta"):
            inputs.append(grid(4, 2) if indices is None else grid(len(indices), 2))
        elif name == "[indices]":
            if indices is not None:
                inputs.append(value(indices))
        else:
            inputs.append(value(NUMBERS[name]))
    return case(*inputs, **attrs)


for rule, arguments in RULES.items():
    switched = SWITCHES.get(rule, {})
    for of_resource, prefix in ((False, ""), (True, "Resource")):
        if not of_resource and rule in ONLY_RESOURCE:
            continue
        row(
            f"{prefix}Apply{rule}",
            use(rule, of_resource, None),
            *([use(rule, of_resource, None, **switched)] if switched else []),
            runs=2,
            tolerance=SEVERAL_ROUNDINGS,
        )
        if "[indices]" in arguments:
            row(
                f"{prefix}SparseApply{rule}",
                use(rule, of_resource, [3, 0]),
                use(rule, of_resource, [1, 1]),
                *([use(rule, of_resource, [2, 3], **switched)] if switched else []),
                runs=2,
                tolerance=SEVERAL_ROUNDINGS,
            )
