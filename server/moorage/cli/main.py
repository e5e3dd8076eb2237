"""`moorage`: the group of all commands."""

import click

from moorage import __version__
from moorage.cli import (
    audit,
    fsck,
    gc,
    immutable,
    job,
    migrate,
    project,
    quota,
    retention,
    robot,
    run,
    serve,
    status,
    token,
    user,
    worker,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="moorage")
def main() -> None:
    """A container registry: images, projects, roles, trust and a log of everything.

    Settings come from the TOML file named by MOORAGE_CONFIG and from MOORAGE_... variables.
    """


main.add_command(serve.serve)
main.add_command(worker.worker)
main.add_command(migrate.migrate)
main.add_command(user.user)
main.add_command(project.project)
main.add_command(quota.quota)
main.add_command(immutable.immutable)
main.add_command(retention.retention)
main.add_command(robot.robot)
main.add_command(token.token)
main.add_command(audit.audit)
main.add_command(run.run)
main.add_command(job.job)
main.add_command(gc.gc)
main.add_command(fsck.fsck)
main.add_command(status.status)
