"""`moorage`: the group of all commands."""

from importlib import import_module

import click

from moorage import __version__

_COMMANDS = (
    "serve",
    "prepare",
    "worker",
    "migrate",
    "user",
    "group",
    "directory",
    "project",
    "quota",
    "immutable",
    "retention",
    "robot",
    "setting",
    "token",
    "audit",
    "run",
    "job",
    "gc",
    "fsck",
    "backup",
    "status",
)


class _Commands(click.Group):
    """Each command is the one of its name in the module of its name, loaded when it is asked for.

    Housekeeping starts many times a day and needs no web server.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _COMMANDS:
            return None
        found = getattr(import_module(f"moorage.cli.{cmd_name}"), cmd_name)
        assert isinstance(found, click.Command)  # noqa: S101 - tells the type checker
        return found


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="moorage")
def main() -> None:
    """A container registry: images, projects, roles, trust and a log of everything.

    Settings come from the TOML file named by MOORAGE_CONFIG and from MOORAGE_... variables.
    """
