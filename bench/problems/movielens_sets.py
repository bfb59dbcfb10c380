"""The MovieLens data sets: sizes, licences, archives with their hashes, and what is in them.

MovieLens 100K is also read from a wheel that carries its rows in their order, for machines that
reach a package index and nothing else.
"""

from __future__ import annotations

from bench.problems.delimited import Layout
from bench.problems.downloads import Web, Wheel
from bench.problems.movielens import Member, MovieLens
from bench.problems.splits import OFFICIAL_100K

RESTRICTED = "research use only, no redistribution, and a citation of doi:10.1145/2827872"
OPEN = "redistribution under the same conditions, and a citation of doi:10.1145/2827872"
TABS = Layout("\t", columns=4, skip=0)
TABS_WITH_HEADER = Layout("\t", columns=4, skip=1)
COLONS = Layout("::", columns=4, skip=0)
CSV = Layout(",", columns=4, skip=1)


def _web(name: str, md5: str, sha256: str) -> Web:
    url = f"https://files.grouplens.org/datasets/movielens/{name}.zip"
    return Web(f"{name}.zip", sha256, md5, url)


RECBOLE = Wheel(
    "recbole-1.2.1-py3-none-any.whl",
    "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    "recbole==1.2.1",
)
SOURCES_100K = (
    (
        _web(
            "ml-100k",
            "0e33842e24a9c977be4e0107933c0723",
            "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        ),
        Member("ml-100k/u.data", TABS),
    ),
    (RECBOLE, Member("recbole/dataset_example/ml-100k/ml-100k.inter", TABS_WITH_HEADER)),
)
SOURCE_1M = (
    _web(
        "ml-1m",
        "c4d9eecfca2ab87c1945afe126590906",
        "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
    ),
    Member("ml-1m/ratings.dat", COLONS),
)
SOURCE_10M = (
    _web(
        "ml-10m",
        "ce571fd55effeba0271552578f2648bd",
        "813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
    ),
    Member("ml-10M100K/ratings.dat", COLONS),
)
SOURCE_20M = (
    _web(
        "ml-20m",
        "cd245b17a1ae2cc31bb14903e1204af3",
        "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
    ),
    Member("ml-20m/ratings.csv", CSV),
)
SOURCE_25M = (
    _web(
        "ml-25m",
        "6b51fb2759a8657d3bfcbfc42b592ada",
        "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
    ),
    Member("ml-25m/ratings.csv", CSV),
)
SOURCE_32M = (
    _web(
        "ml-32m",
        "d472be332d4daa821edc399621853b57",
        "e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
    ),
    Member("ml-32m/ratings.csv", CSV),
)

DATASETS = {
    dataset.name: dataset
    for dataset in (
        MovieLens("ml-100k", (943, 1_682, 100_000), RESTRICTED, SOURCES_100K, OFFICIAL_100K),
        MovieLens("ml-1m", (6_040, 3_706, 1_000_209), RESTRICTED, (SOURCE_1M,)),
        MovieLens("ml-10m", (69_878, 10_677, 10_000_054), RESTRICTED, (SOURCE_10M,)),
        MovieLens("ml-20m", (138_493, 26_744, 20_000_263), OPEN, (SOURCE_20M,)),
        MovieLens("ml-25m", (162_541, 59_047, 25_000_095), OPEN, (SOURCE_25M,)),
        MovieLens("ml-32m", (200_948, 84_432, 32_000_204), OPEN, (SOURCE_32M,)),
    )
}
