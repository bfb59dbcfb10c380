"""What a user may write after -b and -s, and the sentence for what makes no sense."""

from dataclasses import replace

import pytest

from bench.presets import preset, preset_names, tuned, tuned_of
from bench.specs import SpecError, hyper_of, parse_backend, parse_settings, preset_options
from mfimpls import registry
from mfimpls.contract import Backend, Caps, Option

SGD = Backend(
    "toy_sgd",
    Caps(path="sgd", uses=("lr", "batch"), options=(Option("sparse", True, "rows alone"),)),
    lambda problem, hyper, init: iter(()),
)
ALS = Backend("toy_als", Caps(path="als"), lambda problem, hyper, init: iter(()))


def hyper(text, backend=SGD, shared=None, tuned_values=None):
    return hyper_of(parse_backend(text), backend, shared or {}, tuned_values or {})


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("numba_sgd", "numba_sgd"),
        ("numba_sgd@cpu", "numba_sgd"),
        ("torch_sgd@cuda", "torch_sgd@cuda"),
        ("torch_sgd[lr=0.1, batch=64]", "torch_sgd[batch=64,lr=0.1]"),
        ("numpy_sgd[lr=1,as=torch_sgd]", "numpy_sgd[as=torch_sgd,lr=1]"),
        ("path/to/mine.py:best@cuda[lr=1]", "path/to/mine.py:best@cuda[lr=1]"),
    ],
)
def test_one_spec_has_one_label(text, label):
    assert parse_backend(text).label == label


@pytest.mark.parametrize("text", ["", "[lr=1]", "a[lr", "a]b", "a[lr]", "a[lr=]", "a[lr=1,lr=2]"])
def test_a_spec_that_cannot_be_read_is_one_sentence(text):
    with pytest.raises(SpecError, match=r"[.]$"):
        parse_backend(text)


def test_own_settings_go_before_shared_ones_and_those_before_tuned_ones():
    shared, from_preset = {"lr": "2", "batch": "2"}, {"lr": 1, "rank": 9}
    chosen = hyper("toy_sgd[lr=3]", SGD, shared, from_preset)
    assert (chosen.lr, chosen.batch, chosen.rank) == (3.0, 2, 9)


def test_a_backend_can_take_the_tuned_settings_of_another_to_walk_its_path():
    for dataset in ("ml-100k[official=u1]", "synthetic[size=m]"):
        spec = parse_backend("toy_sgd[as=numba_sgd]")
        assert tuned_of(spec, dataset, SGD) == tuned(dataset, registry.declared("numba_sgd"))
        assert tuned_of(parse_backend("toy_sgd"), dataset, SGD) == tuned(dataset, SGD)
    with pytest.raises(registry.UnknownBackend, match="did you mean numba_sgd"):
        tuned_of(parse_backend("toy_sgd[as=numba_sdg]"), "synthetic", SGD)


def test_values_get_the_type_of_their_default():
    chosen = hyper("toy_sgd[rank=8,reg=1,biases=no,sparse=off,dtype=float64]")
    assert (chosen.rank, chosen.reg, chosen.biases, chosen.dtype) == (8, 1.0, False, "float64")
    assert chosen.options == {"sparse": False}


def test_shared_and_tuned_values_pass_by_whoever_does_not_use_them():
    assert hyper("toy_als", ALS, {"lr": "0.5"}, {"batch": 64}) == hyper("toy_als", ALS)


@pytest.mark.parametrize(
    ("text", "backend", "sentence"),
    [
        ("toy_sgd[lrr=1]", SGD, "did you mean lr?"),
        ("toy_sgd[spars=true]", SGD, "did you mean sparse?"),
        ("toy_als[lr=1]", ALS, "toy_als does not use lr"),
        ("toy_als[sparse=true]", ALS, "Unknown setting 'sparse'"),
        ("toy_sgd@cuda", SGD, "toy_sgd has no device cuda; it has cpu"),
        ("toy_sgd[rank=0]", SGD, "rank must be a whole number of at least 1"),
        ("toy_sgd[rank=1.5]", SGD, "rank must be a whole number, not '1.5'"),
        ("toy_sgd[reg=-1]", SGD, "reg must be a finite number of at least 0"),
        ("toy_sgd[lr=nan]", SGD, "lr must be a finite number above 0"),
        ("toy_sgd[lr=fast]", SGD, "lr must be a number, not 'fast'"),
        ("toy_sgd[biases=maybe]", SGD, "biases must be true or false"),
        ("toy_sgd[dtype=float16]", SGD, "Unknown dtype 'float16'"),
        ("toy_sgd[device=cuda]", SGD, "Unknown setting 'device'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(text, backend, sentence):
    with pytest.raises(SpecError) as caught:
        hyper(text, backend)
    assert sentence in str(caught.value)


def test_a_backend_without_the_usual_dtype_runs_in_its_own():
    double = Backend("double", Caps(path="als", dtypes=("float64",)), lambda p, h, i: iter(()))
    assert hyper("double", double).dtype == "float64"
    assert hyper("toy_als", ALS).dtype == "float32"
    with pytest.raises(SpecError, match="double has no dtype float32; it has float64"):
        hyper("double[dtype=float32]", double)


def test_an_unknown_shared_name_is_refused_with_the_nearest():
    with pytest.raises(SpecError, match="did you mean rank"):
        hyper("toy_als", ALS, parse_settings(["ranck=8"]))


def test_every_preset_names_backends_and_data_sets_that_exist():
    from bench.problems import canonical
    from mfimpls import registry

    for name in preset_names():
        grid = preset(name)
        assert {parse_backend(text).name for text in grid.backends} <= set(registry.names())
        assert all(canonical(dataset) for dataset in grid.datasets)


def test_an_unknown_preset_offers_the_nearest():
    with pytest.raises(SpecError, match="did you mean quick"):
        preset("quik")


def test_tuned_values_define_the_same_loss_for_every_backend_of_a_data_set():
    for dataset in ("ml-100k[official=u1]", "synthetic[size=s]", "mine.csv"):
        a, b = tuned(dataset, SGD), tuned(dataset, ALS)
        assert all(a[name] == b[name] for name in ("rank", "reg", "reg_bias"))


def test_checks_run_with_the_options_of_the_spec():
    found = preset_options(parse_backend("toy_sgd[sparse=false,lr=0.5]"), SGD)
    assert found.caps == replace(SGD.caps, options=(Option("sparse", False, "rows alone"),))
    assert preset_options(parse_backend("toy_sgd"), SGD) == SGD
