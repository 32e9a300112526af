"""What programs of the previous module need."""

from __future__ import annotations

from ..kinds import TEXT
from ..options import Section, option


class Migration(Section):
    """What programs of the previous module need."""

    base_name: str = option(TEXT, "wechat_backend", "Name under which logging_config makes its loggers.")
