"""What the playbook brings into the image: nothing is left to be filled in."""

from pathlib import Path

import pytest

from moorage_ova import proxy_values

PROJECT = Path(__file__).parents[2]


def test_the_values_of_the_proxy_have_no_references_left() -> None:
    values = proxy_values.read(PROJECT / "playbooks")
    assert values["proxy_blobs_folder"] == "/storage/data/registry/blobs"
    assert values["proxy_tls_key"] == "/etc/moorage/tls/server.key"
    assert not [name for name, value in values.items() if "{{" in str(value)]
    assert not {"proxy_install", "proxy_running", "proxy_configured_at_boot"} & values.keys()


@pytest.mark.parametrize("role", sorted(path.name for path in (PROJECT / "playbooks/roles").iterdir()))
def test_each_role_says_what_it_takes(role: str) -> None:
    folder = PROJECT / "playbooks/roles" / role
    assert (folder / "meta/argument_specs.yml").is_file()
    assert (folder / "defaults/main.yml").read_text().startswith("---\n# ")
