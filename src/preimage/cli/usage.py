"""The group of all commands, which ends usage errors and Ctrl-C with one line."""

from __future__ import annotations

import inspect
import shlex
import shutil
import sys
from collections import Counter
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from preimage.cli.errors import console
from preimage.cli.output import OutputError, guarded_output
from preimage.names import one_line

_UsageError: Any = typer.BadParameter.__base__
"""The base of all errors of a command line that cannot be parsed."""

_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_LIMITS = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le")}


_OF_PHOTOS = ("--images", "--reference", "--candidates", "--photos")
"""Options for photos, each of another meaning (docs/vocabulary.md), and a word that is none."""

_LEAST_COLUMNS = 80
"""The width of the narrowest screen on which help has boxes."""


class _ReadableHelp:
    """A mixin for commands whose help wraps at the width of the screen.

    Typer's own keeps the line breaks of all paragraphs but the first. Options that take no value
    have no type.
    """

    help: str | None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.help = self.help and join_lines(self.help)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False) and parameter.metavar is None:
                parameter.metavar = ""
        return parameters


def join_lines(text: str) -> str:
    r"""Return a text in which each paragraph is one line.

    >>> join_lines("One\nand two.\n\nThree.")
    'One and two.\n\nThree.'
    """
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


_ARGUMENTS = "preimage.arguments"


def command_line(context: Any) -> str:
    """Return the command line of the running command, as a shell takes it."""
    return shlex.join(["preimage", *context.meta[_ARGUMENTS]])


class Command(_ReadableHelp, TyperCommand):
    """A command whose help wraps at the width of the screen.

    On a narrow screen, it has no boxes, which would leave so little room that words are cut off.
    """

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        if shutil.get_terminal_size().columns < _LEAST_COLUMNS:
            self.rich_markup_mode = None
        super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; no value is dropped because its option is given twice."""
        _, _, given = self.make_parser(ctx).parse_args(list(args))
        counts: Counter[Any] = Counter(given)
        for parameter, count in counts.items():
            takes_one = parameter.param_type_name == "option" and not parameter.multiple
            if count > 1 and takes_one and not parameter.is_flag:
                name = max(parameter.opts, key=len)
                ctx.fail(f"{name} takes one value, but is given {count} times")
        return super().parse_args(ctx, args)


class Group(_ReadableHelp, TyperGroup):
    """A group of commands whose help wraps at the width of the screen; see also `command_line`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Return the context of a call, whose metadata hold all arguments, also for subcommands."""
        given = list(args)
        context = super().make_context(info_name, args, parent, **extra)
        if parent is None:
            context.meta[_ARGUMENTS] = given
        return context

    def main(self, *args: Any, **options: Any) -> Any:
        """Parse the command line and run the command; end the process with its exit status."""
        ends_process = options.get("standalone_mode", True)
        options["standalone_mode"] = False
        if not ends_process:
            return super().main(*args, **options)
        try:
            with guarded_output():
                status = super().main(*args, **options)
        except _UsageError as error:
            _end(error)
        except OutputError as error:
            status = _end_without_output(error)
        except Warning as error:  # python -W error
            console.print(f"error: {one_line(str(error))}")
            status = 2
        except typer.Abort:
            status = 130
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; after Ctrl-C outside of a run, end with one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            console.print("interrupted")
            raise typer.Exit(130) from None


def _end_without_output(error: OutputError) -> int:
    """Return the exit status after an error of standard output; print why, unless it is closed."""
    if error.is_closed:
        return 1
    console.print(f"error: {error}")
    return 2


def _end(error: Any) -> NoReturn:
    """Print a usage error as one line, or the help that was asked for; end with exit status 2."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        sys.exit(2)
    message = one_line(describe(error)) + _where_photos_go(error)
    hint = "" if error.ctx is None else f"; see {error.ctx.command_path} --help"
    console.print(f"error: {message.rstrip('.')}{hint}")
    sys.exit(2)


def _where_photos_go(error: Any) -> str:
    """Return how a command takes photos, if an unknown option is one for photos; else nothing."""
    if getattr(error, "option_name", None) not in _OF_PHOTOS or error.ctx is None:
        return ""
    parameters = error.ctx.command.params
    if given := [name for p in parameters for name in p.opts if name in _OF_PHOTOS]:
        return f": give photos by {' or '.join(given)}"
    has_argument = any(p.name in ("images", "inputs", "photo") for p in parameters)
    return ": give photos without an option" if has_argument else ""


def describe(error: Any) -> str:
    """Return a message about a command line: the option, what it takes, and what was given."""
    parameter, cause = getattr(error, "param", None), error.__cause__
    if parameter is None or not hasattr(cause, "errors"):
        return str(error.format_message())
    problem = cause.errors()[0]
    kind = problem["type"]
    name = max(parameter.opts, key=len)
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"{name} must be {words} {problem['ctx'][key]:g}, not {problem['input']}"
    wanted = _KINDS.get(kind.partition("_")[0])
    if wanted is None:
        return f"{name}: {problem['msg']}, not {problem['input']!r}"
    several = f": repeat {name} for several" if parameter.multiple else ""
    return f"{name} must be {wanted}, not {problem['input']!r}{several}"
