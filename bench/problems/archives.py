"""Archives in the cache: taken when their hash fits, else downloaded, verified and kept.

Where no source delivers, the message says which file to put where; a file that the user put there
by hand is taken on the same terms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bench.problems import cache
from bench.problems.downloads import Archive, Unreachable
from bench.problems.errors import DataError


def obtain(archives: Sequence[Archive]) -> tuple[Path, Archive, bool]:
    """The first archive that the cache holds, else the first that can be had; whether it is new.

    Raises DataError for a cached file whose hash differs, and when no source delivers.
    """
    for archive in archives:
        path = cache.root() / archive.file
        if path.is_file():
            _verify(path, archive)
            return path, archive, False
    reasons = []
    for archive in archives:
        try:
            return _fetch(archive), archive, True
        except Unreachable as reason:
            reasons.append(str(reason))
    first = archives[0]
    raise DataError(
        f"{first.file} is not here: {'; '.join(reasons)}. Get the file by other means and put it "
        f"in {cache.root()}; it is taken when its {first.proof}."
    )


def _fetch(archive: Archive) -> Path:
    path = cache.root() / archive.file
    with cache.scratch(path.parent) as folder:
        part = folder / archive.file
        archive.download(part)
        found = sha256(part)
        if found != archive.sha256:
            raise Unreachable(f"{archive.file} came with sha256 {found}, not {archive.sha256}")
        part.replace(path)
    return path


def _verify(path: Path, archive: Archive) -> None:
    found = sha256(path)
    if found != archive.sha256:
        raise DataError(
            f"{path} is not the file it is named for: its sha256 is {found}, not {archive.sha256}; "
            f"delete it or put the right one there."
        )


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
