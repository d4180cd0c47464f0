"""AWS credentials that are missing are named before anything is made, without a call to AWS."""

from collections.abc import Callable
from pathlib import Path

import pytest

from components.clusters.ec2 import preflight

Environment = dict[str, str]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preflight, "_VENDOR", tmp_path / "no-such-file")


@pytest.fixture
def home(tmp_path: Path) -> Callable[..., Environment]:
    def make(credentials: str = "", config: str = "", **given: str) -> Environment:
        folder = tmp_path / ".aws"
        folder.mkdir()
        (folder / "credentials").write_text(credentials)
        (folder / "config").write_text(config)
        return {"HOME": str(tmp_path), **given}

    return make


def messages(profile: str | None, environment: Environment) -> list[str]:
    return [message for _, _, message in preflight.missing_credentials(profile, environment)]


@pytest.mark.parametrize(
    "given",
    [
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/"},
    ],
)
def test_credentials_in_the_environment_are_enough(home: Callable[..., Environment], given: Environment) -> None:
    assert messages(None, home(**given)) == []


@pytest.mark.parametrize(
    ("profile", "given"),
    [
        (None, {"credentials": "[default]\naws_access_key_id = a\n"}),
        (None, {"config": "[default]\nregion = eu-central-1\n"}),
        ("work", {"config": "[profile work]\nsso_session = w\n"}),
        ("work", {"credentials": "[work]\naws_access_key_id = a\n"}),
        (None, {"config": "[profile work]\n", "AWS_PROFILE": "work"}),
    ],
)
def test_a_profile_is_found_in_either_file(
    home: Callable[..., Environment], profile: str | None, given: Environment
) -> None:
    assert messages(profile, home(**given)) == []


def test_the_files_may_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("[default]\n")
    assert messages(None, {"HOME": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "mine")}) == []


def test_without_any_the_message_says_how_to_get_them(home: Callable[..., Environment]) -> None:
    (message,) = messages(None, home())
    assert message.startswith("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    assert "aws configure" in message


def test_an_unknown_profile_is_named_with_those_that_are_there(home: Callable[..., Environment]) -> None:
    environment = home(credentials="[default]\n[home]\n", config="[profile work]\n[sso-session w]\n")
    ((path, value, message),) = preflight.missing_credentials("wrok", environment)
    assert (path, value) == (("profile",), "wrok")
    assert message.startswith("no such AWS profile; existing profiles: default, home, work. ")


def test_a_configured_profile_goes_before_the_environment(home: Callable[..., Environment]) -> None:
    assert messages("work", home(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")) != []


def test_half_a_key_is_named(home: Callable[..., Environment]) -> None:
    assert messages(None, home(AWS_ACCESS_KEY_ID="a")) == [
        "incomplete AWS credentials: AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not"
    ]


def test_an_instance_of_ec2_has_those_of_its_role(
    home: Callable[..., Environment], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "vendor").write_text("Amazon EC2\n")
    monkeypatch.setattr(preflight, "_VENDOR", tmp_path / "vendor")
    assert messages(None, home()) == []


def test_a_file_that_cannot_be_read_has_no_profiles(home: Callable[..., Environment]) -> None:
    assert len(messages("work", home(credentials="nonsense\n"))) == 1
