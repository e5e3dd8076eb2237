"""`moorage setting`: what administrators set while the registry runs."""

import click

from moorage.cli.context import services
from moorage.cli.output import json_option, show_rows
from moorage.configuration import keys
from moorage.configuration.model import Value
from moorage.events import SYSTEM

_FLAGS = {"true": True, "false": False}


@click.group()
def setting() -> None:
    """Settings of the site, under the names of Harbor's API; servers know a change within seconds.

    Where the configuration file has a say, what is set here wins until it is reset.
    """


@setting.command("list")
@click.option("--all", "every", is_flag=True, help="Those that cannot be changed, too.")
@json_option
def list_settings(every: bool, as_json: bool) -> None:
    """List them."""
    with services() as found:
        shown = found.site.shown()
    rows = [
        {"name": name, "value": each.value, "editable": each.editable}
        for name, each in shown.items()
        if every or each.editable
    ]
    show_rows(rows, ("name", "value", "editable"), as_json=as_json)


@setting.command("set")
@click.argument("name")
@click.argument("value")
def set_setting(name: str, value: str) -> None:
    """Change one, for instance read_only true."""
    with services() as found:
        found.site.change(SYSTEM, {name: _value(name, value)})


@setting.command()
@click.argument("name")
def reset(name: str) -> None:
    """Let the configuration file decide again, or the default."""
    with services() as found:
        found.site.reset(SYSTEM, [name])


def _value(name: str, text: str) -> Value:
    """The text as the setting's type; what cannot be one is refused by the setting itself."""
    default = keys.known(name).default
    if isinstance(default, bool):
        return _FLAGS.get(text, text)
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            return text
    return text
