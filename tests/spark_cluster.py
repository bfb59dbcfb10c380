"""A standalone Spark cluster on loopback, from pyspark's own scripts: one master, two workers."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
MASTER, WORKER = (f"org.apache.spark.deploy.{name}" for name in ("master.Master", "worker.Worker"))


def missing():
    """Why there can be no cluster here; empty where there can."""
    try:
        import pyspark  # noqa: F401
    except ModuleNotFoundError:
        return "pyspark is not installed: pip install 'mfbench[spark]'"
    return "" if shutil.which("java") or os.environ.get("JAVA_HOME") else "there is no Java"


@dataclass
class Cluster:
    folder: Path
    url: str
    web_port: int
    workers: list = field(default_factory=list)

    def alive(self):
        """Workers that the master counts as alive."""
        page = urllib.request.urlopen(f"http://{HOST}:{self.web_port}/json/", timeout=5).read()
        return int(json.loads(page)["aliveworkers"])

    def told(self):
        """What the master's log says of its workers and executors."""
        words = (
            "Registering worker",
            "Registered app",
            "Launching executor",
            "Removing",
            "Received",
        )
        lines = (self.folder / "master/log").read_text().splitlines()
        return "\n".join(line for line in lines if any(word in line for word in words))

    def kill_a_worker(self):
        """Kill one worker and its executors, as a machine that loses its power would."""
        kill(self.workers.pop())


@contextlib.contextmanager
def cluster(folder, workers=2, cores=1):
    """Start a cluster, wait until its workers are there, and stop it. Yields a Cluster."""
    port, web_port = free_port(), free_port()
    running = Cluster(folder, f"spark://{HOST}:{port}", web_port)
    ports = ("--host", HOST, "--port", port, "--webui-port", web_port)
    master = spark_class(folder / "master", MASTER, *ports)
    try:
        until(lambda: running.alive() == 0)
        for k in range(workers):
            options = ("--host", HOST, "--cores", cores, "--memory", "1g", "--webui-port", 0)
            work = folder / f"worker-{k}"
            running.workers.append(
                spark_class(work, WORKER, *options, "--work-dir", work, running.url)
            )
        until(lambda: running.alive() == workers)
        yield running
    finally:
        for process in (*running.workers, master):
            kill(process)


def spark_class(folder, *words):
    import pyspark

    home = Path(pyspark.__file__).parent
    folder.mkdir(parents=True)
    variables = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": HOST, "SPARK_NO_DAEMONIZE": "1"}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(home / "bin/spark-class"), *map(str, words)],
            env=os.environ | variables,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(is_so, patience_s=60):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if is_so():
                return
        time.sleep(0.2)
    raise TimeoutError(f"not so after {patience_s} s")


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
