"""The command line: `mfbench COMMAND`, which is the same as `python -m bench COMMAND`."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import click

COMMANDS = (
    "run", "agree", "report", "compare", "verdict", "reproduce", "tune", "study",
    "new", "check", "list", "data", "peers", "doctor",
)  # fmt: skip


class Lazy(click.Group):
    """Imports a command's module when the command is asked for, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"bench.commands.{name}")
        command: click.Command = getattr(module, "list_" if name == "list" else name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from mfimpls.contract import unknown

        if args and args[0] not in COMMANDS:
            raise click.UsageError(unknown("command", args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not isinstance(error, _user_errors()):
                raise
            mistake = click.ClickException(str(error))
            mistake.exit_code = 2
            raise mistake from error


def _user_errors() -> tuple[type[Exception], ...]:
    from bench.problems.errors import DataError
    from bench.records import ResultsError
    from bench.specs import SpecError
    from mfimpls.registry import UnknownBackend

    return DataError, ResultsError, SpecError, UnknownBackend


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mfbench")
def main() -> None:
    """Compare matrix factorizations on ratings: one loss, one clock, the same data.

    \b
    Exit codes: 0 all well, 1 a case or a check failed, 2 a request that can't be honoured.
    """
    warnings.showwarning = _warn  # type: ignore[assignment]


def _warn(message: Warning | str, *_: Any) -> None:
    click.secho(f"Warning: {message}", fg="yellow", err=True)


if __name__ == "__main__":
    main(prog_name="mfbench")
