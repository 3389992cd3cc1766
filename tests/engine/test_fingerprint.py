"""The fingerprint follows what a file depends on, and nothing else."""

import os
import time

import pytest

from simulations.engine.fingerprint import PACKAGES, ROOT, fingerprint

TREE = {
    "theory/__init__.py": "",
    "theory/arrays.py": "import numpy\n",
    "theory/topic.py": "from theory import arrays\nimport theory.deep.formula\n",
    "theory/other.py": "from theory.arrays import dot\n",
    "theory/deep/__init__.py": "",
    "theory/deep/formula.py": "from . import table\nfrom .. import ring\n",
    "theory/deep/table.py": "VALUE = 1\n",
    "theory/ring.py": "from theory.deep.loop import x\n",
    "theory/deep/loop.py": "from ..ring import y\n",
    "theory/late.py": "def f():\n    if True:\n        try:\n"
                      "            from theory import hidden\n"
                      "        except ImportError:\n            import theory.spare\n",
    "theory/hidden.py": "",
    "theory/spare.py": "",
    "simulations/__init__.py": "",
    "simulations/topic.py": "from theory.topic import *\nimport simulations.app.cli\n",
    "simulations/app/__init__.py": "",
    "simulations/app/cli.py": "import theory.other\n",
    "simulations/device.py": 'SOURCE = "wave.cu"\nOTHER = "absent.cu"\n',
    "simulations/wave.cu": '#include "maths.cuh"\n',
    "simulations/maths.cuh": "",
    "simulations/unnamed.cu": "",
    "tests/helper.py": "",
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    base = tmp_path / "project"
    for name, text in TREE.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return base


def changes(root, file, edited):
    """Whether editing one file changes the fingerprint of another."""
    before = fingerprint([root / file], root=root)
    path = root / edited
    text = path.read_text()
    path.write_text(text + "# edited\n")
    after = fingerprint([root / file], root=root)
    path.write_text(text)
    assert fingerprint([root / file], root=root) == before
    return after != before


@pytest.mark.parametrize(
    ("file", "edited", "expected"),
    [
        ("theory/topic.py", "theory/topic.py", True),
        ("simulations/device.py", "simulations/wave.cu", True),
        ("simulations/device.py", "simulations/maths.cuh", True),
        ("simulations/device.py", "simulations/unnamed.cu", False),
        ("theory/topic.py", "theory/arrays.py", True),
        ("theory/topic.py", "theory/__init__.py", True),
        ("theory/topic.py", "theory/other.py", False),
        ("theory/topic.py", "theory/late.py", False),
        ("theory/topic.py", "theory/deep/formula.py", True),
        ("theory/topic.py", "theory/deep/__init__.py", True),
        ("theory/topic.py", "theory/deep/table.py", True),  # relative import of a dependency
        ("theory/topic.py", "theory/ring.py", True),  # from .. import
        ("theory/topic.py", "theory/deep/loop.py", True),  # in a cycle
        ("theory/arrays.py", "theory/topic.py", False),  # a user of it
        ("simulations/topic.py", "theory/deep/table.py", True),  # three steps away
        ("simulations/topic.py", "simulations/app/cli.py", False),
        ("simulations/topic.py", "theory/other.py", False),  # only through the app
        ("theory/late.py", "theory/hidden.py", True),
        ("theory/late.py", "theory/spare.py", True),
        ("theory/deep/__init__.py", "theory/__init__.py", True),
    ],
)
def test_what_an_edit_changes(root, file, edited, expected):
    assert changes(root, file, edited) is expected


def test_order_place_and_repetition_do_not_matter(root):
    files = [root / "theory/topic.py", root / "theory/late.py"]
    value = fingerprint(files, root=root)
    assert fingerprint([*reversed(files), files[0]], root=root) == value
    moved = root.with_name("moved")
    root.rename(moved)
    assert fingerprint([moved / f.relative_to(root) for f in files], root=moved) == value
    assert len(value) == 64


def test_renaming_a_module_changes_it(root):
    one = fingerprint([root / "theory/hidden.py"], root=root)
    assert fingerprint([root / "theory/spare.py"], root=root) != one


def test_an_edit_that_keeps_size_and_length_is_seen(root):
    path = root / "theory/deep/table.py"
    before = fingerprint([root / "theory/topic.py"], root=root)
    path.write_text("VALUE = 2\n")
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 1))
    assert fingerprint([root / "theory/topic.py"], root=root) != before


def test_a_claim_file_anywhere_depends_on_the_project_and_on_its_neighbours(root, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    claim = mine / "claim.py"
    claim.write_text("import helper\nfrom theory.topic import f\n")
    (mine / "helper.py").write_text("import unrelated_name\n")
    (mine / "idle.py").write_text("")
    for edited, expected in [
        (mine / "helper.py", True), (mine / "idle.py", False),
        (root / "theory/deep/table.py", True), (root / "theory/other.py", False),
    ]:  # fmt: skip
        before = fingerprint([claim], root=root)
        edited.write_text(edited.read_text() + "# edited\n")
        assert (fingerprint([claim], root=root) != before) is expected


def test_an_installed_plugin_depends_on_its_own_package_only(root, tmp_path):
    site = tmp_path / "site-packages"
    for name, text in {
        "plugin/__init__.py": "",
        "plugin/claim.py": "from .part import x\nimport numpy\nimport solo",
        "plugin/part.py": "", "numpy/__init__.py": "", "solo.py": "import numpy\n",
    }.items():  # fmt: skip
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    for file, edited, expected in [
        ("plugin/claim.py", "plugin/part.py", True),
        ("plugin/claim.py", "numpy/__init__.py", False),
        ("solo.py", "numpy/__init__.py", False),
    ]:
        before = fingerprint([site / file], root=root)
        (site / edited).write_text("# edited\n")
        assert (fingerprint([site / file], root=root) != before) is expected


def test_errors_name_the_file(root):
    with pytest.raises(ValueError, match=r"none\.py: cannot be read: No such file"):
        fingerprint([root / "none.py"], root=root)
    (root / "theory/arrays.py").write_text("def f(:\n")
    with pytest.raises(ValueError, match=r"arrays\.py: line 1: "):
        fingerprint([root / "theory/topic.py"], root=root)


def test_the_project_itself():
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    assert len(files) > 20
    start = time.process_time()
    value = fingerprint(files)
    assert time.process_time() - start < 0.006 * len(files)  # measured: 1.4 ms a file
    start = time.process_time()
    assert fingerprint(files) == value
    assert time.process_time() - start < 0.1


def test_packages_say_what_is_first_party(root):
    file = root / "simulations/topic.py"
    before = fingerprint([file], root=root, packages=["simulations"])
    (root / "theory/topic.py").write_text("# edited\n")
    assert fingerprint([file], root=root, packages=["simulations"]) == before
