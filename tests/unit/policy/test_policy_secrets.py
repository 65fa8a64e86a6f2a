from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.policy.detectors import find
from autodev_tui.policy.secrets import Masker, SecretMoved, scrub_env, secret_values

AWS = "AKIA" + "Q3EGRZXIV4XYZABC"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "MIIEow\n" * 1
    + "b3BlbnNzaC1rZXktdjE\nAAAABG5vbmU\n-----END RSA PRIVATE KEY-----\n"
)
SECRETS = {
    "aws-key": AWS,
    "github-token": "ghp_" + "a1B2c3D4e5" * 4,
    "anthropic-key": "sk-ant-api03-" + "x9Y8z7" * 6,
    "openai-key": "sk-proj-" + "q1W2e3R4" * 5,
    "slack-token": "xoxb-1234567890-abcdefghij",
    "google-key": "AIza" + "B1c2D3e4F5" * 3 + "g6H7i",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
}
masker = Masker(b"salt")


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items())
@pytest.mark.parametrize(
    "around", ["{}", "x = '{}'\n", 'curl -H "Authorization: Bearer {}" u', "a\n\n  {}\nb"]
)
def test_each_detector(kind, secret, around):
    text = around.format(secret)
    (hit,) = find(text)
    assert hit.kind == kind
    assert text[hit.start : hit.end] == secret


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("API_KEY=f83ha95kc2dz0m7q", "f83ha95kc2dz0m7q"),
        ('"client_secret": "8sd7fk2jq9zx0w4vb",', "8sd7fk2jq9zx0w4vb"),
        ("db_password: str = 'hun7er2-hun7er2!'", "hun7er2-hun7er2!"),
        ("postgres://user:s3cretpw@host/db", "s3cretpw"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY1234567890",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCY1234567890",
        ),
    ],
)
def test_named_values(text, secret):
    (hit,) = find(text)
    assert text[hit.start : hit.end] == secret


@pytest.mark.parametrize(
    "text",
    [
        "token = get_token_from_request(request)",
        "password = os.environ['PASSWORD1234']",
        "api_key = settings.api.key",
        "API_KEY=your-api-key-here-1234",
        "SECRET=${SECRET_FROM_1PASSWORD}",
        "tokens = 12345678901234",
        "def tokenize(text: str) -> list[str]:",
        "https://example.org/a:b@c",
        "sha256:0123456789abcdef0123456789abcdef",
        "key=value",
        "auth_token_path = /v1/oauth/token",
        "session_key = standard_b64encode(key)",
        "credential_name='boto3_client'",
        "git@github.com:owner/repository.git",
    ],
)
def test_ordinary_code_is_left_alone(text):
    assert find(text) == []


def test_every_value_of_an_env_file_counts():
    text = "# settings\nHOST=localhost-1\nexport NAME='some value'\nDEBUG=true\n"
    assert [text[hit.start : hit.end] for hit in find(text, "app/.env")] == ["localhost-1", "some value"]
    assert find(text, ".env.example") == []
    assert find(text, "settings.ini") == []


def test_masking_hides_and_keeps_line_numbers():
    text = f"a = 1\n{PEM}b = '{AWS}'\n"
    masked, mapping = masker.mask(text)
    assert masked.count("\n") == text.count("\n")
    for secret in (AWS, "MIIEow", "b3BlbnNzaC1rZXktdjE", "AAAABG5vbmU"):
        assert secret not in masked
        assert secret in mapping.values()


def test_placeholders_are_stable_in_a_session_and_differ_between_sessions():
    assert masker.mask(AWS) == Masker(b"salt").mask(f"{AWS}")
    assert masker.mask(AWS)[0] != Masker(b"other").mask(AWS)[0]


def test_values_known_by_name_are_masked_anywhere():
    masked, _ = Masker(b"s", ["correct horse battery"]).mask("echo correct horse battery!")
    assert "horse" not in masked


def test_rehydrated_in_the_same_place_of_the_same_file():
    original = f"HOST = 'a'\nKEY = '{AWS}'\n"
    masked, _ = masker.mask(original)
    assert masker.rehydrate(masked.replace("'a'", "'b'"), original) == original.replace("'a'", "'b'")
    assert masker.rehydrate("# moved down\n" + masked, original) == "# moved down\n" + original


@pytest.mark.parametrize("move", ["print({})", "KEY = '' # {}", "{}", "KEY2 = '{}'"])
def test_never_rehydrated_elsewhere(move):
    original = f"KEY = '{AWS}'\n"
    placeholder = next(iter(masker.mask(original)[1]))
    with pytest.raises(SecretMoved):
        masker.rehydrate(move.format(placeholder), original)


def test_never_rehydrated_in_another_file():
    placeholder = next(iter(masker.mask(f"KEY = '{AWS}'\n")[1]))
    with pytest.raises(SecretMoved):
        masker.rehydrate(f"KEY = '{placeholder}'\n", "KEY = 'none'\n")


@given(st.text(max_size=60), st.sampled_from(list(SECRETS.values())), st.text(max_size=60))
def test_mask_and_back_is_the_identity(before, secret, after):
    text = f"{before} {secret} {after}"
    masked, _ = masker.mask(text)
    assert secret not in masked
    assert masker.rehydrate(masked, text) == text


def test_child_environment_has_no_secret():
    env = {
        "PATH": "/bin",
        "PWD": "/w",
        "OLDPWD": "/",
        "HOME": "/h",
        "LANG": "C",
        "KEYBOARD": "us",
        "AUTHOR": "me",
        "ANTHROPIC_API_KEY": "x",
        "ANTHROPIC_BASE_URL": "http://x",
        "OLLAMA_API_KEY": "x",
        "AUTODEV_STATE_DIR": "/s",
        "GITHUB_TOKEN": "x",
        "GH_PAT": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ACCESS_KEY_ID": "x",
        "DB_PASSWORD": "x",
        "PGPASSWORD": "x",
        "MYSQL_PWD": "x",
        "NPM_CONFIG__AUTH": "x",
        "SSH_AUTH_SOCK": "/tmp/s",
        "OPENAI_APIKEY": "x",
        "DATABASE_URL": "postgres://u:passw0rd@h/d",
        "MISC": SECRETS["github-token"],
        "OLLAMA_HOST": "h",
    }
    assert set(scrub_env(env)) == {
        "PATH",
        "PWD",
        "OLDPWD",
        "HOME",
        "LANG",
        "KEYBOARD",
        "AUTHOR",
        "OLLAMA_HOST",
    }


def test_values_worth_masking():
    env = {"A_TOKEN": "abc123def456", "B_PASSWORD": "password", "C_KEY": "short", "D": "abc123def456x"}
    assert secret_values(env) == ["abc123def456"]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 300_000,
        "token" * 60_000,
        "eyJ" * 100_000,
        "\n" * 300_000 + "=",
        "A=b" + " b" * 150_000,
        "secret" + " " * 300_000,
        "a://" * 75_000,
        "-----BEGIN PRIVATE KEY-----" * 10_000,
        "sk-" * 100_000,
        "key=" * 75_000,
        "bearer " * 40_000,
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize("path", ["x.py", ".env"])
def test_no_text_takes_long(text, path):
    began = time.perf_counter()
    find(text, path)
    assert time.perf_counter() - began < 2
