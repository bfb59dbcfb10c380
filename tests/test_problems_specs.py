"""A data set has one spelling, and what is not one is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.problems import DataError, canonical


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("synthetic", "synthetic[size=s]"),
        ("synthetic[ noise=0.80 , size=m ]", "synthetic[size=m]"),
        ("synthetic[seed=1,holdout=.25]", "synthetic[holdout=0.25,seed=1,size=s]"),
        ("synthetic[holdout=0.1]", "synthetic[size=s]"),
        ("synthetic[stars=no,ratings=2e5]", "synthetic[ratings=200000,size=s,stars=false]"),
        ("synthetic[size=l,users=943,items=1682,ratings=100000]", "synthetic[size=s]"),
        (
            "synthetic[users=9,items=8,ratings=7]",
            "synthetic[items=8,ratings=7,users=9]",
        ),
        ("ml-100k", "ml-100k[official=u1]"),
        ("ml-100k[]", "ml-100k[official=u1]"),
        ("ml-100k[fold=02/5,split_seed=0]", "ml-100k[fold=2/5]"),
        ("ml-1m", "ml-1m[holdout=0.1]"),
        ("ml-20m[leave_out=10,split_seed=3]", "ml-20m[leave_out=10,split_seed=3]"),
    ],
)
def test_specs_of_one_data_set_have_one_spelling(written: str, spelled: str) -> None:
    assert canonical(written) == spelled
    assert canonical(spelled) == spelled


def test_a_file_is_spelled_by_its_path_and_its_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my [old] ratings.csv").write_text("a,b,1\n", encoding="utf-8")
    spelled = "my [old] ratings.csv[holdout=0.1,user=who]"
    assert canonical("./my [old] ratings.csv[user=who,header=auto]") == spelled
    assert canonical(spelled) == spelled


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("sinthetic", "Unknown data set 'sinthetic'; did you mean synthetic?"),
        ("ml-100", "did you mean ml-100k?"),
        ("nothing like it", "known: ml-100k, ml-10m"),
        ("ratings.csv", "There is no ratings file ratings.csv; check the path."),
        (".", "is a directory; name a ratings file in it."),
        ("[size=s]", "write NAME or NAME[option=value,...]"),
        ("synthetic[size]", "'size' in 'synthetic[size]' is no option; write option=value."),
        ("synthetic[seed=1,seed=2]", "gives seed twice"),
        ("synthetic[size=xl]", "size must be one of s, m, l, not 'xl'."),
        ("synthetic[nois=1]", "Unknown option 'nois'; did you mean noise?"),
        ("synthetic[holdot=.1]", "did you mean holdout?"),
        ("synthetic[rank=2.5]", "rank must be a whole number, not '2.5'."),
        ("synthetic[noise=nan]", "noise must be a number, not 'nan'."),
        ("synthetic[rank=0]", "rank must be at least 1, not 0."),
        ("synthetic[users=3000000000]", "users must be at most 2147483647"),
        ("synthetic[stars=perhaps]", "stars must be true or false, not 'perhaps'."),
        ("synthetic[users=2,items=2,ratings=5]", "have 4 pairs, too few for 5 ratings."),
        ("synthetic[official=u1]", "there is no official split"),
        ("ml-100k[official=u7]", "Unknown official split 'u7'"),
        ("ml-100k[duplicates=last]", "Unknown option 'duplicates'"),
        ("ml-1m[official=u1]", "there is no official split; say holdout=0.1"),
        ("ml-1m[holdout=1]", "holdout must lie between 0 and 1, not 1."),
        ("ml-1m[time=0]", "time must lie between 0 and 1, not 0."),
        ("ml-1m[fold=6/5]", "fold must be like 2/5"),
        ("ml-1m[fold=1/1]", "fold must be like 2/5"),
        ("ml-1m[leave_out=0]", "leave_out must be at least 1"),
        ("ml-1m[holdout=.1,fold=1/5]", "one split, not both holdout and fold"),
        ("ml-1m[split_seed=-1]", "split_seed must be at least 0"),
        ("ml-1m[time=.8,split_seed=1]", "time is not random; leave out split_seed=1."),
    ],
)
def test_a_bad_spec_is_refused_with_a_sentence(spec: str, sentence: str) -> None:
    with pytest.raises(DataError) as refusal:
        canonical(spec)
    assert sentence in str(refusal.value)
