"""The parts of a network that its table lists: blocks of chains, and other children."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import nn

_DROPOUT = (
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout
)  # fmt: skip


def main_modules(
    module: nn.Module, known: Mapping[str, list[str]], name: str = ""
) -> Iterator[str]:
    """Yield the names of the children of a module, each chain of blocks replaced by its blocks.

    A child that holds one such chain, or that holds several and returns no tensor, is replaced by
    what it holds. `known` gives the names of the tensors that each submodule returns. Dropout,
    which returns what it is given, is left out.
    """
    for key, child in module.named_children():
        path = f"{name}.{key}" if name else key
        stacks = [_is_stack(part) or _holds_one_stack(part) for part in child.children()]
        if _is_chain_of_blocks(child):
            yield from (f"{path}.{block}" for block, _ in child.named_children())
        elif sum(stacks) == 1 or (any(stacks) and known.get(path) != [path]):
            yield from main_modules(child, known, path)
        elif not isinstance(child, _DROPOUT):
            yield path


def _is_chain_of_blocks(module: nn.Module) -> bool:
    is_chain = isinstance(module, nn.Sequential | nn.ModuleList)
    return is_chain and any(list(block.children()) for block in module.children())


def _is_stack(module: nn.Module) -> bool:
    """Tell whether a module is a chain of two or more blocks of one kind."""
    kinds = [type(block) for block in module.children()]
    return _is_chain_of_blocks(module) and len(kinds) > 1 and len(set(kinds)) == 1


def _holds_one_stack(module: nn.Module) -> bool:
    return sum(map(_is_stack, module.children())) == 1
