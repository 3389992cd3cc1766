"""A current directory with good and bad files, and the command line in this process."""

from simulations.app import work
from simulations.app.cli import main
from simulations.app.template import claim_template

LAW, LEMMA = "me/lemma-1.law", "me/lemma-1"
LONG = "x" * 5000
# A map of the law, but for the other axis.
XY = ["map", LAW, "--x", "scale=1:2:3", "--y"]
VERIFY = ["--claims", "mine.py", "verify", "me/*", "--workers", "1"]


def furnish(folder, monkeypatch):
    """Make `folder` the current directory, its ``mine.py`` the only good claim file there is."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(work, "ROOMS", ())
    monkeypatch.setattr(work, "_registries", {})
    for name, text in {
        "mine.py": claim_template(LEMMA), "file": "no store", "syntax.py": "def f(:\n",
        "imports.py": "import no_such_module_\n", "none.py": "x = 1\n",
        "exits.py": "import sys\nsys.exit(0)\n", "lines.py": "raise ValueError('a\\nb')\n",
        "nul.py": "x = 1\0\n", "cut.py": claim_template(LEMMA).partition("Young's ineq")[0],
        "twice.py": claim_template(LEMMA),
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    for name in ("d.csv", "d.json", "damaged", "empty", "old/results.sqlite"):
        (folder / name).mkdir(parents=True)
    (folder / "damaged" / "results.sqlite").write_text("no database " * 400)
    (folder / "empty" / "results.sqlite").touch()
    return folder


def adageo(*words):
    """The exit status; argparse leaves by SystemExit."""
    try:
        return main([str(word) for word in words])
    except SystemExit as error:
        return error.code
