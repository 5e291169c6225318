"""The reference of Python: every public name, sorted by what it is; computed, not listed."""

import inspect
from types import ModuleType

import preimage
import preimage.audit
import preimage.statistics
from docs.site.schemas import settings_by_name
from preimage.settings import Settings

_DIRECTIVES = {
    "function": ("autofunction", ()),
    "class": ("autoclass", (":members:", ":special-members: __call__")),
    "error": ("autoexception", ()),
}
_HEADINGS = {"function": "Functions", "class": "Classes", "error": "Errors"}


def kind_of(value: object) -> str:
    """Return what a public name stands for: a function, a class, an error, or settings.

    Raises:
        TypeError: if it is something that has no place in the reference.

    >>> kind_of(preimage.invert), kind_of(preimage.MODERN)
    ('function', 'settings')
    """
    if inspect.isclass(value):
        return "error" if issubclass(value, Exception) else "class"
    if inspect.isfunction(value):
        return "function"
    if isinstance(value, Settings):
        return "settings"
    raise TypeError(f"the reference has no section for {value!r}")


def public_names(module: ModuleType = preimage) -> str:
    """Return the sections of a module's public names."""
    names = sorted(module.__all__, key=str.lower)
    kinds = {name: kind_of(getattr(module, name)) for name in names}
    parts = []
    for kind, heading in _HEADINGS.items():
        chosen = [name for name in names if kinds[name] == kind]
        if chosen:
            entries = "\n\n".join(_entry(module.__name__, name, kind) for name in chosen)
            parts.append(f"## {heading}\n\n{entries}")
    if "settings" in kinds.values():
        named = ", ".join(f"`{name}`" for name in names if kinds[name] == "settings")
        parts.append(f"## Settings by name\n\n{named}:\n\n{settings_by_name()}")
    return "\n\n".join(parts)


def parts() -> str:
    """Return the sections of the packages whose names are not those of `preimage` itself."""
    modules = (preimage.audit, preimage.statistics)
    return "\n\n".join(
        f"## {module.__name__}\n\n"
        + "\n\n".join(
            _entry(module.__name__, name, kind_of(getattr(module, name)))
            for name in sorted(module.__all__, key=str.lower)
        )
        for module in modules
    )


def _entry(module: str, name: str, kind: str) -> str:
    """Return the directive that writes the entry of a name from its docstring."""
    directive, options = _DIRECTIVES[kind]
    lines = [f".. {directive}:: {module}.{name}", *(f"   {option}" for option in options)]
    return "\n".join(["```{eval-rst}", *lines, "```"])
