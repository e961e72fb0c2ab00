"""Nothing that is committed, or about to be, holds a key, a token or a password."""

import re

import pytest

from common.config import ROOT
from tests.documents import project_files

SECRETS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    "AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})",
    "GitLab": r"\bglpat-[A-Za-z0-9_-]{20}",
    "Hugging Face": r"\bhf_[A-Za-z]{34}\b",
    "Slack": r"\bxox[abeoprs]-[0-9A-Za-z-]{10}",
    "Google": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "PyPI": r"\bpypi-AgEI[A-Za-z0-9_-]{20}",
    "npm": r"\bnpm_[A-Za-z0-9]{36}\b",
    "an sk- key": r"\bsk-(?:[a-z]+-)*[A-Za-z0-9_]{32}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "password in an address": r"\b[a-z]{2,9}://[^\s/:@'\"<>{}]{1,60}:[^\s/:@'\"<>{}]{1,99}@[a-z0-9]",
    "assignment": r"(?i)(?:\b|_)(?:password|passwd|secret|api_?key|auth_?token|access_?token)"
    r"['\"]?\s*[:=]\s*['\"][^'\"\s{}<>$]{8,}['\"]",
}
NAMES = re.compile(
    r"(?i)(^|/)(\.env|\.netrc|\.pypirc|\.npmrc|id_(rsa|dsa|ecdsa|ed25519)|"
    r"[^/]*\.(pem|key|p12|pfx|kdbx|keystore))$"
)
EXAMPLES = {  # put together here, so that this file holds none
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "AWS": "AKIA" + "ABCDEFGHIJKLMNOP",
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitLab": "glpat-" + "a1B2c" * 4,
    "Hugging Face": "hf_" + "aB" * 17,
    "Slack": "xoxb-" + "1234567890-abc",
    "Google": "AIza" + "a1B2c" * 7,
    "PyPI": "pypi-AgEI" + "cHlwaS5vcmc" * 3,
    "npm": "npm_" + "a1B2" * 9,
    "an sk- key": "sk-proj-" + "a1B2" * 8,
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "SflKxwRJSMeKKF",
    "password in an address": "https://me:" + "hunter22@example.org",
    "assignment": "db_" + "password = " + "'hunter22'",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_would_be_found(kind: str) -> None:
    assert re.search(SECRETS[kind], f"x {EXAMPLES[kind]} y")
    assert re.search(SECRETS[kind], f'key="{EXAMPLES[kind]}"')


def test_no_file_holds_a_secret(record_property) -> None:
    kinds = {kind: re.compile(pattern.encode()) for kind, pattern in SECRETS.items()}
    found, read = [], project_files()
    record_property("trials", len(read))
    for path in read:
        name, data = path.relative_to(ROOT).as_posix(), path.read_bytes()
        if NAMES.search(name):
            found.append(f"{name}: its name")
        if b"\0" not in data[:8000]:  # as grep tells texts from weights and pictures
            found += [f"{name}: {kind}" for kind, pattern in kinds.items() if pattern.search(data)]
    assert not found
    assert len(read) > 200
