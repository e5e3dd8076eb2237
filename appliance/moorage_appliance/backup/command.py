"""`moorage-appliance backup` and `moorage-appliance restore`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from moorage_appliance.backup.errors import BackupError
from moorage_appliance.backup.place import Place
from moorage_appliance.backup.progress import Progress, in_words
from moorage_appliance.backup.pruning import prune
from moorage_appliance.backup.restoring import choose
from moorage_appliance.backup.restoring import restore as put_back
from moorage_appliance.backup.staging import verify
from moorage_appliance.backup.taking import alone, take_backup
from moorage_appliance.commands import SystemCommands
from moorage_appliance.paths import Paths

#: The copy of a large database takes its time.
_SECONDS = 6 * 3600
_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("dest", type=_folder)
@click.option("--keep", type=click.IntRange(1), help="Keep so many backups in DEST; default: all of them.")
def backup(dest: Path, keep: int | None) -> None:
    """Back up to the folder DEST while the registry serves: database, content, keys, state.

    Content that DEST has already is not copied again. Exits with 1 if no backup was made, or if the
    registry itself has lost content; then no older backup is removed.
    """
    paths, place = Paths(), Place(dest.absolute())
    try:
        made = take_backup(paths, SystemCommands(_SECONDS), place, datetime.now(UTC), Progress(click.echo))
        there = made.blobs - made.copied - len(made.damaged)
        click.echo(f"{place.root / made.name}: {made.blobs} blobs, {in_words(made.blob_bytes)}")
        click.echo(f"copied {made.copied}, {in_words(made.copied_bytes)}; {there} were there already")
        for digest, why in made.damaged.items():
            click.echo(f"lost: {digest}: {why}", err=True)
        if made.damaged:
            message = (
                f"the registry has lost {len(made.damaged)} blobs; `moorage fsck` says which images need them"
            )
            raise click.ClickException(message)
        if keep is not None:
            with alone(paths), place.alone():
                gone, freed = prune(place, keep)
            if gone:
                click.echo(f"removed {len(gone)} older backups and {in_words(freed)} of content")
    except (BackupError, OSError) as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.argument("source", type=_folder)
@click.option(
    "--backup",
    "name",
    default="",
    help="Which one of SOURCE, for instance 20260701T014000Z; default: the newest.",
)
@click.option("--check", is_flag=True, help="Only read all of it and compare digests; changes nothing.")
@click.option("--force", is_flag=True, help="Also when there are images here; they are set aside.")
def restore(source: Path, name: str, check: bool, force: bool) -> None:
    """Put back a backup from the folder SOURCE; what is here is set aside, nothing is deleted.

    The registry serves until everything is here and verified. If it is interrupted, run it again.
    """
    paths, progress = Paths(), Progress(click.echo)
    try:
        place, manifest = choose(source.absolute(), name)
        if check:
            verify(place, manifest, progress)
            click.echo(f"the backup {manifest.name} is whole")
            return
        done = put_back(paths, SystemCommands(_SECONDS), place, manifest, progress, force=force)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"restored {manifest.name}: {manifest.blobs} blobs, {in_words(manifest.blob_bytes)}")
    for digest in manifest.damaged:
        click.echo(f"missing since before the backup: {digest}", err=True)
    for each in done.aside:
        click.echo(f"what was here before is in {each}")
    if manifest.database != "sqlite":
        click.echo(
            f"restore the PostgreSQL database to its state of {manifest.database_at}, then `moorage fsck`"
        )
