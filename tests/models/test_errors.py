"""The error of networks and weights."""

from __future__ import annotations

import pytest

from preimage.models.errors import ModelError


def test_a_model_error_is_a_value_error_for_callers_that_catch_bad_input() -> None:
    with pytest.raises(ValueError, match="no such network"):
        raise ModelError("no such network")
