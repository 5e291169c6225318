"""Modules whose calls Python does not see: those of TorchScript and of exported programs.

A module of TorchScript runs its children without calling any hook. If it only calls its children
in turn, as a scripted or traced `nn.Sequential` does, these can be called one by one instead. The
submodules of `ExportedProgram.module()` hold weights and are never called.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.fx.graph import _PyTreeCodeGen
from torch.jit._recursive import wrap_cpp_module
from torch.jit._trace import TopLevelTracedModule

SCRIPTED = (
    "TorchScript runs its modules without Python, so that only children of a chain, or the output, "
    "can be reached: use the original network, before torch.jit.script or torch.jit.trace"
)
"""The message about a layer inside a module of TorchScript."""

EXPORTED = (
    "the module() of an exported program never calls its submodules, which only hold weights: use "
    "torch.export.unflatten(program) instead"
)
"""The message about a layer of an exported program."""


def takes_hooks(module: nn.Module) -> bool:
    """Tell whether a module can be watched by hooks, unlike a module of TorchScript."""
    return not isinstance(module, torch.jit.ScriptModule)


def is_scripted_chain(module: nn.Module) -> bool:
    """Tell whether a module of TorchScript does nothing but call its children in turn.

    >>> is_scripted_chain(torch.nn.Sequential(nn.ReLU()))
    False
    """
    if not isinstance(module, torch.jit.ScriptModule) or not hasattr(module, "graph"):
        return False
    this, *inputs = module.graph.inputs()
    if len(inputs) != 1:
        return False
    value, children, called = inputs[0], {}, []
    for node in module.graph.nodes():
        if node.kind() == "prim::GetAttr" and node.input().debugName() == this.debugName():
            children[node.output().debugName()] = node.s("name")
            continue
        arguments = [argument.debugName() for argument in node.inputs()]
        if node.kind() != "prim::CallMethod" or node.s("name") != "forward":
            return False
        if len(arguments) != 2 or arguments[1] != value.debugName():
            return False
        called.append(children.get(arguments[0]))
        value = node.output()
    returned = [output.debugName() for output in module.graph.outputs()]
    return called == list(module._modules.keys()) and returned == [value.debugName()]


def children(module: nn.Module) -> Iterable[tuple[str, nn.Module | None]]:
    """Return the children of a chain by name, in order, as modules that can be called.

    The children of a module that was traced in this process cannot be called; callable modules
    that do the same are returned in their place.
    """
    if isinstance(module, TopLevelTracedModule):
        module = wrap_cpp_module(module._c)
    return module._modules.items()


def is_exported(network: nn.Module) -> bool:
    """Tell whether `ExportedProgram.module()` made a module, which calls no submodule.

    >>> is_exported(torch.fx.symbolic_trace(nn.Sequential(nn.ReLU())))
    False
    """
    if not isinstance(network, torch.fx.GraphModule):
        return False
    calls = {str(node.target) for node in network.graph.find_nodes(op="call_module")}
    has_trees = isinstance(network.graph._codegen, _PyTreeCodeGen)
    return has_trees and all(call.startswith("_guards") for call in calls)


def advice(network: nn.Module) -> str | None:
    """Return advice on a layer that is not reached; None for ordinary networks."""
    if isinstance(network, torch.jit.ScriptModule):
        return SCRIPTED
    if is_exported(network):
        return EXPORTED
    return None
