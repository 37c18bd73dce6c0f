"""A fault that is seeded into the engine: a small change of its source, applied in place."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from pyvidu.reconnection.transitions import Table


@dataclass(frozen=True, slots=True)
class Mutation:
    """Replaces `old`, which occurs once in the source of `where` (`module:Class.function`, or a class's TABLE), by `new`."""

    name: str
    where: str
    old: str
    new: str

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Apply the fault to the engine within the context.

        Raises:
            ValueError: the source has changed: `old` does not occur exactly once.
        """
        module_name, _, path = self.where.partition(":")
        module = importlib.import_module(f"pyvidu.{module_name}")
        *owners, name = path.split(".")
        owner: Any = module
        for part in owners:
            owner = getattr(owner, part)
        original = inspect.getattr_static(owner, name)
        target: Any
        mutated: Any
        if isinstance(original, Table):
            target, mutated = owner, self._mutated_table(module, owner, name)
        else:
            target, mutated = _function(original), self._mutated_code(module, _function(original))
            name = "__code__"  # in place, since tables refer to their functions
        before = getattr(target, name)
        setattr(target, name, mutated)
        try:
            yield
        finally:
            setattr(target, name, before)

    def _mutated_code(self, module: Any, function: FunctionType) -> CodeType:
        source = self._replaced(textwrap.dedent(inspect.getsource(function)))
        names: dict[str, Any] = {}
        code = compile(source, inspect.getfile(function), "exec", dont_inherit=True, flags=_ANNOTATIONS)
        exec(code, module.__dict__, names)
        return _function(names[function.__name__]).__code__

    def _mutated_table(self, module: Any, owner: type, name: str) -> Table[Any, Any, Any]:
        """Evaluate the changed source of the table as in the body of its class."""
        source = textwrap.dedent(inspect.getsource(owner))
        (value,) = [
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name
        ]
        assert value is not None
        changed = self._replaced(ast.get_source_segment(source, value) or "")
        table: Table[Any, Any, Any] = eval(changed, module.__dict__, dict(vars(owner)))
        return table

    def _replaced(self, source: str) -> str:
        if source.count(self.old) != 1:
            raise ValueError(f"'{self.name}': {self.where} has {source.count(self.old)} times {self.old!r}")
        return source.replace(self.old, self.new)


def _function(method: object) -> FunctionType:
    function = method.fget if isinstance(method, property) else method
    assert inspect.isfunction(function)
    return function


_ANNOTATIONS = __import__("__future__").annotations.compiler_flag
