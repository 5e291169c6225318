"""Names of layers: outputs of submodules, and everything else that a network computes.

A name begins with the dotted name of a submodule, or with `output` for the whole network.
The following may come next, in this order:

    relu#2              the second call of a module that is called several times
    attn.proj.input     the first input of a module, instead of its output
    block.add_1         the second addition that the code of `block` does itself
    attn[0]             an item of a tuple or a list
    encoder.pooled      a field of an output object, or a key of a dict

If names clash, a submodule has priority over an operation, and an operation over a field.
Operations are functions of torch, named and counted as in torch.fx (`add`, `add_1`, `relu`,
`flatten`, `getitem`). The name of an operation of the network's own
`forward` has no module in front.

>>> chain = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU())
>>> LayerPath.parse(chain, "1.input")
LayerPath(name='1.input', module='1', call=1, takes_input=True, steps=())
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from preimage.names import unknown
from preimage.representations.foreign_modules import EXPORTED, is_exported

OUTPUT = "output"
"""The name of the whole network's output."""

_REST = re.compile(r"(#[1-9]\d*)?(\.input)?((?:\[-?\w+\]|\.[A-Za-z_]\w*)*)")
_STEP = re.compile(r"\[(-?\w+)\]|\.(\w+)")


@dataclass(frozen=True, slots=True)
class LayerPath:
    """The path to a tensor that a network computes.

    Attributes:
        name: the name as a user gives it.
        module: the dotted name of the submodule; empty for the network itself.
        call: which call of the module counts, from 1.
        takes_input: whether the module's first input is meant instead of its output.
        steps: the items and fields that lead from the module's input or output to the tensor. The
            first step can instead be an operation of the module's own code.
    """

    name: str
    module: str
    call: int = 1
    takes_input: bool = False
    steps: tuple[int | str, ...] = ()

    @classmethod
    def parse(cls, network: nn.Module, name: str) -> LayerPath:
        """Return the path that a name stands for; raise ValueError if the network has none."""
        if name and _has(network, name):
            return cls(name, name)
        for end in reversed([at for at, sign in enumerate(name) if sign in "#[."]):
            module = name[:end]
            if module and (module == OUTPUT or _has(network, module)):
                found = _REST.fullmatch(name[end:])
                if found is None:
                    break
                call, is_input, text = found.groups()
                module = module if _has(network, module) else ""
                steps = _steps(text)
                if steps and not is_input and _is_weight(network, module, steps[0]):
                    break
                return cls(name, module, int((call or "#1")[1:]), bool(is_input), steps)
        if name == OUTPUT:
            return cls(name, "")
        if operation_name(name) is not None:
            return cls(name, "", steps=(name,))
        known = [known for known, _ in network.named_modules(remove_duplicate=False) if known]
        known.sort(key=lambda known: known.count("."))  # the outermost ones are shown
        words = unknown(f"layer of {type(network).__name__}", name, [*known, OUTPUT])
        raise ValueError(f"{words}; {EXPORTED}" if is_exported(network) else words)

    @property
    def operation(self) -> str | None:
        """The operation that the first step may name, such as "add_1"; None if it names none."""
        if self.takes_input or not self.steps or not isinstance(self.steps[0], str):
            return None
        return None if self.name.startswith(f"{OUTPUT}.") else operation_name(self.steps[0])

    @property
    def segment(self) -> str:
        """The dotted name at which a segment must end: the module, or what is inside of it."""
        inside = "input" if self.takes_input else self.operation
        return ".".join(filter(None, (self.module, inside)))

    def pick(self, value: Any, skip: int = 0) -> Any:
        """Return the value that the steps reach from a module's output, or a ValueError if none.

        `skip` is the number of steps that `value` has already taken.
        """
        for step in self.steps[skip:]:
            try:
                value = _step(value, step)
            except (LookupError, AttributeError, TypeError):
                where = self.module or "the network"
                reason = f"layer {self.name!r} is not there: {where} returns {describe(value)}"
                return ValueError(f"{reason}{_choice(self.module or OUTPUT, value)}")
        return value


def operation_name(text: str) -> str | None:
    """Return the name of an operation as torch.fx has it; None if torch has no such function.

    >>> operation_name("add_1"), operation_name("relu_"), operation_name("conv7")
    ('add_1', 'relu', None)
    """
    found = re.fullmatch(r"(\w+?)_?(_\d+)?", text)
    if found is None:
        return None
    name, number = found.groups()
    name = {"truediv": "div", "getitem": "getitem"}.get(name, name)
    known = name == "getitem" or any(
        callable(getattr(place, name, None)) for place in (Tensor, torch, nn.functional)
    )
    return f"{name}{number or ''}" if known else None


def describe(value: Any) -> str:
    """Return the kind of a value in words.

    >>> describe((1, 2)), describe(torch.zeros(2, 3))
    ('a tuple of 2', 'a tensor of shape (2, 3)')
    """
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    size = f" of {len(value)}" if isinstance(value, tuple | list | dict) else ""
    return f"a {type(value).__name__}{size}"


def refusal(path: LayerPath, value: Any) -> ValueError:
    """Return the error for a layer whose value is not a tensor; it names tensors inside, if any."""
    words = f"layer {path.name!r} returns {describe(value)}, not one tensor"
    return ValueError(words + (_choice(path.name, value) or ": choose another layer"))


def tensors_inside(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield each tensor of a tuple, list, dict or output object, with its name as a layer.

    >>> [name for name, _ in tensors_inside("attn", (torch.zeros(1), None, {"a": torch.ones(1)}))]
    ['attn[0]', 'attn[2].a']
    """
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inside = f"{name}.{key}" if str(key).isidentifier() else f"{name}[{key}]"
            yield from tensors_inside(inside, item)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for field, item in zip(value._fields, value, strict=True):
            yield from tensors_inside(f"{name}.{field}", item)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from tensors_inside(f"{name}[{index}]", item)


def submodule(network: nn.Module, name: str) -> nn.Module:
    """Return the submodule of this dotted name, also in TorchScript; raise KeyError if none.

    >>> submodule(nn.Sequential(nn.Sequential(nn.ReLU())), "0.0")
    ReLU()
    """
    module = network
    for part in name.split(".") if name else ():
        found = module._modules[part]
        if found is None:
            raise KeyError(part)
        module = found
    return module


def _has(network: nn.Module, name: str) -> bool:
    """Tell whether a network has a submodule of this dotted name."""
    try:
        return bool(name) and submodule(network, name) is not None
    except (KeyError, RuntimeError):  # TorchScript's own error for a missing key
        return False


def _is_weight(network: nn.Module, module: str, step: int | str) -> bool:
    """Tell whether a field is a parameter or buffer of the module, which is no layer."""
    if not isinstance(step, str) or operation_name(step) is not None:
        return False
    owner = submodule(network, module)
    return step in dict(owner.named_parameters(recurse=False)) | dict(
        owner.named_buffers(recurse=False)
    )


def _steps(text: str) -> tuple[int | str, ...]:
    """Return the items and fields of a text such as "[0].logits"."""
    steps: list[int | str] = []
    for item, field in _STEP.findall(text):
        steps.append(int(item) if re.fullmatch(r"-?\d+", item) else item or field)
    return tuple(steps)


def _step(value: Any, step: int | str) -> Any:
    """Return an item or a field; raise LookupError, AttributeError or TypeError if none."""
    if isinstance(value, Mapping):
        return value[step] if step in value else value[str(step)]
    if isinstance(step, int):
        if not isinstance(value, tuple | list):
            raise TypeError
        return value[step]
    found = None if isinstance(value, Tensor) else getattr(value, step)
    if found is None or callable(found):
        raise AttributeError
    return found


def _choice(name: str, value: Any) -> str:
    """Return the names of some tensors inside a value, as the end of a message."""
    inside = [name for name, _ in tensors_inside(name, value)]
    some = ", ".join(inside[:4]) + (", ..." if len(inside) > 4 else "")
    return "" if not inside or isinstance(value, Tensor) else f": choose one inside, such as {some}"
