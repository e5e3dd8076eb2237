"""placeholder"""

from collections.abc import Mapping
from pathlib import Path
from tests.bench.target import Target


def start_ours_behind_nginx(folder: Path, settings: Mapping[str, str]) -> Target:
    """x"""
    raise RuntimeError
