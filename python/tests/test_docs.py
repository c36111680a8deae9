"""The examples of the documentation, and that everything public is documented."""

import doctest
import inspect
import pathlib
import re
import runpy

import hard_sigmoid as hs
import numpy as np
import pytest

PUBLIC = [getattr(hs, name) for name in hs.__all__ if name != "__version__"]
MEMBERS = [
    member
    for of in PUBLIC
    if inspect.isclass(of)
    for name, member in vars(of).items()
    if not name.startswith("_") and (inspect.isroutine(member) or inspect.isgetsetdescriptor(member))
]


def example(name, text):
    """Run a docstring's examples and return how many there were."""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    runner = doctest.DocTestRunner()
    failed, attempted = runner.run(test)
    assert not failed
    return attempted


@pytest.mark.parametrize("of", PUBLIC, ids=lambda of: of.__name__)
def test_examples_of_docstrings(of):
    attempted = example(of.__name__, inspect.getdoc(of))
    assert attempted or issubclass(of, tuple)


def test_example_of_the_module():
    assert example("hard_sigmoid", hs.__doc__)


@pytest.mark.parametrize("of", PUBLIC + MEMBERS, ids=str)
def test_everything_is_documented(of):
    text = inspect.getdoc(of)
    assert text and text[0].isupper() and text.splitlines()[0].endswith(".")


def test_functions_say_what_they_take_return_and_raise():
    for of in [hs.hard_sigmoid, hs.backward, hs.saturation, hs.validate]:
        sections = re.findall(r"^(\w+)\n-+$", inspect.getdoc(of), re.MULTILINE)
        assert sections[:3] == ["Parameters", "Returns", "Raises"] and sections[-1] == "Examples"
        names = [name for name in inspect.signature(of).parameters]
        listed = re.findall(r"^(\w[\w, ]*?)(?: : .*)?$", inspect.getdoc(of).split("Returns\n")[0], re.MULTILINE)
        assert set(names) <= {name for line in listed for name in line.split(", ")}


@pytest.mark.parametrize("file", ["python/README.md", "docs/python.md"])
def test_blocks_of_python(file):
    text = (pathlib.Path(__file__).parents[2] / file).read_text()
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(block, names)
    assert names["y"].tolist() == [0.0, 0.5, 0.75, 1.0]
    if "labelled" in names:
        assert names["labelled"].to_dict("list") == {"a": [0.0, 0.5], "b": [0.75, 1.0]}
        assert names["gradient"].to_dict("list") == {"a": [0.0, 0.8], "b": [0.2, 0.0]}
        assert names["filled"].index.equals(names["missing"].index) and names["filled"][0] == 0.5


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="the exact results need a longer type than float64")
def test_the_errors_of_the_readme_are_those_of_the_script():
    folder = pathlib.Path(__file__).parents[1]
    compare = runpy.run_path(str(folder / "benches" / "compare.py"))
    text = (folder / "README.md").read_text()
    table = text.partition("| type | hard_sigmoid | NumPy | PyTorch | onnxruntime |\n")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()[1:]]
    assert [row[0] for row in rows] == compare["TYPES"]
    assert "2²⁰ numbers" in text and compare["ERRORS_OF"] == 1 << 20
    # The other columns need what is not installed in CI.
    for name, *cells in rows:
        own = [compare["cell"](compare["largest_error"](peer, name)) for peer in ("hard_sigmoid", "numpy")]
        assert own == cells[:2]
