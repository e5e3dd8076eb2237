import pytest

from moorage.configuration import keys
from moorage.configuration.errors import SettingInvalidError, SettingUnknownError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("read_only", 1),
        ("read_only", "true"),
        ("storage_per_project", True),
        ("storage_per_project", -2),
        ("storage_per_project", 2**60),
        ("session_timeout", 0),
        ("robot_token_duration", 1.5),
        ("project_creation_restriction", "nobody"),
        ("project_creation_restriction", 1),
        ("banner_message", "x" * 5000),
        ("banner_message", "a\0b"),
        ("banner_message", None),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(SettingInvalidError, match=name):
        keys.checked(keys.known(name), value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("read_only", True),
        ("storage_per_project", -1),
        ("banner_message", "Löschung\nam Montag"),
        ("oidc_name", ""),
    ],
)
def test_a_value_that_it_can_have_is_taken_as_it_is(name: str, value: object) -> None:
    assert keys.checked(keys.known(name), value) == value


def test_there_is_no_setting_of_another_name() -> None:
    with pytest.raises(SettingUnknownError):
        keys.known("readonly")


def test_every_default_is_a_value_that_the_setting_can_have() -> None:
    for key in keys.KEYS.values():
        assert keys.checked(key, key.default) == key.default


def test_secrets_are_hidden_and_cannot_be_set() -> None:
    secret = [key for name, key in keys.KEYS.items() if "secret" in name or "password" in name]
    assert len(secret) == 3
    assert all(key.hidden and not key.editable for key in secret)
