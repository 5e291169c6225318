"""The operations that a module's own code performs between its submodules, by name.

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

from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain, count
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from preimage.representations.foreign_modules import takes_hooks

_FUNCTIONAL = {f: name for name, f in vars(nn.functional).items() if callable(f) and name[0] != "_"}
_SPECIAL = {"__rsub__": "sub", "__rdiv__": "div", "__rpow__": "pow", "__getitem__": "getitem"}


@final
class Operations(TorchFunctionMode):
    """A context that reports each operation of a module itself, not of its submodules.

    Args:
        module: the module.
        seen: called with the name of an operation, the number of the module's call (from 1),
            and the output, which can be a tuple. As in torch.fx, the numbers in names start anew
            in each call of the module, and submodules take names, too: beside a submodule `relu`,
            the first operation `relu` is "relu_1".
    """

    def __init__(self, module: nn.Module, seen: Callable[[str, int, Any], None]) -> None:
        super().__init__()
        self._module, self._seen = module, seen
        self._stack: list[nn.Module] = []
        self._call = 0
        self._names = {m: name.replace(".", "_") for name, m in module.named_modules()}
        self._taken: set[str] = set()
        self._undo = ExitStack()

    def __enter__(self) -> Operations:
        """Watch the module until the context ends."""
        for module in filter(takes_hooks, self._module.modules()):
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
        if module is self._module:
            self._call += 1
            self._taken.clear()
        elif self._is_own():
            self._take(self._names[module])
        self._stack.append(module)

    def _end(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._stack.pop()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and report it, if it is the module's own."""
        output = func(*args, **(kwargs or {}))
        is_value = isinstance(output, Tensor | tuple | list) and not isinstance(output, torch.Size)
        if is_value and self._is_own():
            name = _FUNCTIONAL.get(func) or _SPECIAL.get(func.__name__) or func.__name__
            if not name.startswith("__"):  # attributes and comparisons
                name = name.rstrip("_")
                is_module = name in self._names.values()
                self._seen(self._take(name, is_free=not is_module), self._call, output)
        return output

    def _is_own(self) -> bool:
        """Tell whether the running code is that of the module itself, not of a submodule."""
        return bool(self._stack) and self._stack[-1] is self._module

    def _take(self, name: str, *, is_free: bool = True) -> str:
        """Return the name with the first number that is not taken, and take it."""
        numbered = (f"{name}_{n}" for n in count(1))
        names = chain([name] if is_free else [], numbered)
        taken = next(free for free in names if free not in self._taken)
        self._taken.add(taken)
        return taken
