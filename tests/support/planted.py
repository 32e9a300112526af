"""Secrets to plant, and a program that pushes one through every door there is.

Each secret is put together here, so that none stands in the source.
"""

from __future__ import annotations

from pathlib import Path

_WORD = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE1fG3hJ5kL7mN9pQ2rS4tU6"
_HEX = "0123456789abcdef" * 4

# Found by what they look like.
PATTERNS = {
    "private_key": f"-----BEGIN RSA PRIVATE KEY-----\n{_WORD}\n{_WORD}\n-----END RSA PRIVATE KEY-----",
    "url_password": "postgres://bob:" + "plänted-pw@db.internal:5432/app",
    "jwt": f"eyJ{_WORD[:20]}.eyJ{_WORD[:30]}.{_WORD[:43]}",
    "authorization": f"Bearer {_WORD[:40]}",
    "anthropic_key": f"sk-ant-api03-{_WORD[:40]}",
    "openai_key": f"sk-proj-{_WORD[:48]}",
    "github_token": f"ghp_{_WORD[:36]}",
    "gitlab_token": f"glpat-{_WORD[:20]}",
    "aws_access_key": "AKIA" + "IOSFODNN7EXAMPLE",
    "google_key": f"AIza{_WORD[:35]}",
    "slack_token": f"xoxb-123456789012-{_WORD[:24]}",
    "stripe_key": f"sk_live_{_WORD[:24]}",
    "huggingface_token": f"hf_{_WORD[:34]}",
    "npm_token": f"npm_{_WORD[:36]}",
    "twilio_key": f"SK{_HEX[:32]}",
    "sendgrid_key": f"SG.{_WORD[:22]}.{_WORD[:43]}",
    "email": "planted.person@example.com",
    "card": "4111 1111 1111 1111",
    "key_value": "password=planted-after-its-name",
}
# What of each must be nowhere.
TRACES = {
    **PATTERNS,
    "private_key": _WORD,
    "url_password": "nted-pw",
    "authorization": _WORD[:40],
    "key_value": "planted-after-its-name",
}
# Known by the name it stands under, and by nothing else.
NAMED = "planted under a name"

PROGRAM = (Path(__file__).parents[1] / "redaction" / "doors.py").read_text(encoding="utf-8")


def found(directory: Path, *texts: str) -> set[str]:
    """The names of the secrets that stand in any file below a directory, or in a text; as they are, or as JSON has them."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    everything = b"\n".join([*(path.read_bytes() for path in files), *(text.encode() for text in texts)])
    return {name for name, trace in {**TRACES, "named": NAMED}.items() if trace.encode() in everything}
