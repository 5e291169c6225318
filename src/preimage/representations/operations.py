"""The operations that a module's own code does between its submodules, by name.

>>> class Add(nn.Module):
...     def forward(self, x):
...         return (x + x + 1).relu()
>>> seen, add = [], Add()
>>> with Operations(add, lambda name, call, output: seen.append(name)):
...     output = add(torch.zeros(1))
>>> seen
['add', 'add_1', 'relu']
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_FUNCTIONAL = {f: name for name, f in vars(nn.functional).items() if callable(f) and name[0] != "_"}
_SPECIAL = {"__rsub__": "sub", "__rdiv__": "div", "__rpow__": "pow", "__getitem__": "getitem"}


@final
class Operations(TorchFunctionMode):
    """A context that reports each operation of a module itself, not of its submodules.

    Args:
        module: the module.
        seen: called with the name of an operation, the number of the module's call (from 1),
            and the output, which can be a tuple. Names are counted anew in each call.
    """

    def __init__(self, module: nn.Module, seen: Callable[[str, int, Any], None]) -> None:
        super().__init__()
        self._module, self._seen = module, seen
        self._stack: list[nn.Module] = []
        self._call = 0
        self._count: Counter[str] = Counter()
        self._undo = ExitStack()

    def __enter__(self) -> Operations:
        """Watch the module until the context ends."""
        for module in self._module.modules():
            self._undo.callback(module.register_forward_pre_hook(self._begin).remove)
            hook = module.register_forward_hook(self._end, always_call=True)
            self._undo.callback(hook.remove)
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove all hooks."""
        super().__exit__(*error)
        self._undo.close()

    def _begin(self, module: nn.Module, inputs: Any) -> None:
        self._stack.append(module)
        if module is self._module:
            self._call += 1
            self._count.clear()

    def _end(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._stack.pop()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and report it, if it is the module's own."""
        output = func(*args, **(kwargs or {}))
        is_value = isinstance(output, Tensor | tuple | list) and not isinstance(output, torch.Size)
        if is_value and self._stack and self._stack[-1] is self._module:
            name = _FUNCTIONAL.get(func) or _SPECIAL.get(func.__name__) or func.__name__
            if not name.startswith("__"):  # attributes and comparisons
                name = name.rstrip("_")
                count, self._count[name] = self._count[name], self._count[name] + 1
                self._seen(f"{name}_{count}" if count else name, self._call, output)
        return output
