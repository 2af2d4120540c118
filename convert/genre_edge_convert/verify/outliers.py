"""The tensors whose int8 values differ most from the float32 ones."""

from __future__ import annotations

from genre_edge.arrays import Float32

from ..quantise.float_fallback import most_harmed


def outliers(saved_model: str, calibration: Float32, most: int = 5) -> list[str]:
    """Find the tensors that quantisation harms most.

    Parameters
    ----------
    saved_model
        The folder.
    calibration
        Windows as the network takes them, float32 [n, ...].
    most
        How many tensors to name at most.

    Returns
    -------
    list
        A line for each, the worst first: operator, name, loss, error, scale, range.
    """
    lines = []
    for harm in most_harmed(saved_model, calibration)[:most]:
        low, high = harm.scale * (-128 - harm.zero_point), harm.scale * (127 - harm.zero_point)
        name = harm.tensor.split(";")[0].rstrip("/")
        lines.append(
            f"{harm.operator} {name}: {harm.lost:.0%} of a typical channel lost, off by "
            f"{harm.steps:.1f} steps of {harm.scale:.4g} (range {low:.3g} to {high:.3g})"
        )
    return lines
