"""The table for an appendix: its structure, its escapes, and that LaTeX compiles it."""

import re
import shutil
import subprocess

import pytest
from synthetic_report import synthetic

from simulations.app.report import FormulaError
from simulations.app.report.latex import escape, latex_table, prose
from theory.core import Claim, Entry

DOCUMENT = r"""\documentclass{article}
%s
\begin{document}
\input{claims.tex}
\end{document}
"""


@pytest.fixture(scope="module")
def table():
    return latex_table(*synthetic())


def _rows(text):
    """The rows of claims: what ends with the room between rows."""
    return [line for line in text.splitlines() if line.endswith(r"\\[2pt]")]


def test_every_claim_has_a_row_with_every_column(table):
    rows = _rows(table)
    assert len(rows) == 5
    assert all(len(re.findall(r"(?<!\\)&", row)) == 5 for row in rows)
    assert rows[0].startswith(r"The step is optimal on $\|s\|_A \le \alpha$ ")
    assert "& proved & proof, search, monte-carlo, scaling & 0.9998 & 1/1" in rows[0]
    assert "& inconclusive (not as expected) & monte-carlo & -- & 0/1" in rows[2]
    assert "& new here & supported & search &" in rows[4]
    assert r"Theorem \textless{}1\textgreater{}" in rows[3]


def test_environments_and_rules_are_balanced(table):
    for name in ("longtable",):
        assert table.count(rf"\begin{{{name}}}") == table.count(rf"\end{{{name}}}") == 1
    assert table.count(r"\begingroup") == table.count(r"\endgroup") == 1
    assert [table.count(rf"\{rule}rule") for rule in ("top", "bottom")] == [2, 1]
    assert "3 of 5 as expected; 3 of 5 false variants refuted" in table
    assert table.count("{") - table.count(r"\{") == table.count("}") - table.count(r"\}")


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b & 50%", r"a\_b \& 50\%"),
        ("{#1}", r"\{\#1\}"),
        ("x^2~y", r"x\textasciicircum{}2\textasciitilde{}y"),
        ("\\n", r"\textbackslash{}n"),
        ("é – −", "é -- $-$"),
    ],
)
def test_plain_text_is_escaped(text, latex):
    assert escape(text, "a/b") == latex


def test_prose_keeps_its_formulas_and_commands():
    assert prose(r"\emph{R&D}, 5\% of $a_1 & b$_", "a/b") == r"\emph{R\&D}, 5\% of $a_1 & b$\_"
    assert prose(r"\[ x \]", "a/b") == "$x$"


def test_a_character_without_latex_is_an_error_that_names_the_claim():
    report, registry = synthetic()
    entry = registry["toy-norms/lemma-4"]
    fields = {n: getattr(entry.claim, n) for n in Claim.__dataclass_fields__}
    claim = Claim(**{**fields, "title": "Über Ω"})
    registry.entries[claim.id] = Entry(claim, entry.module, entry.file, ())
    with pytest.raises(FormulaError, match=r"^toy-norms/lemma-4: 'Ω' in 'Über Ω'"):
        latex_table(report, registry)


def _run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


def test_latex_compiles_it(table, tmp_path):
    packages = re.findall(r"^% (\\usepackage\{\w+\})$", table, re.MULTILINE)
    assert len(packages) == 6
    if shutil.which("pdflatex") is None or _run("kpsewhich", "booktabs.sty").returncode:
        pytest.skip("no pdflatex with booktabs here")
    (tmp_path / "claims.tex").write_text(table)
    (tmp_path / "main.tex").write_text(DOCUMENT % "\n".join(packages))
    words = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex")
    done = _run(*words, cwd=tmp_path, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "main.pdf").stat().st_size > 10_000
