"""What is wrong with the body of a request, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


def first_problem(error: ValidationError) -> str:
    """Return the first problem of a body in one sentence that names the field."""
    problem = error.errors(include_url=False)[0]
    return sentence(".".join(str(part) for part in problem["loc"]), problem["msg"])


def sentence(field: str, problem: str) -> str:
    """Return what is wrong with a field, or with the body as a whole if `field` is empty."""
    return f"Parameter '{field}' is wrong: {problem}" if field else f"The body is wrong: {problem}"
