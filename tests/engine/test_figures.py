"""Figures: registration, defaults for every kind of evidence, bytes that repeat, data behind."""

import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy
import pytest

from simulations.engine import figures
from simulations.engine.figures import FigureError, Results, data_table, draw, draw_all, save, svg
from theory.core import Check, Claim, ClaimError, Entry, Evidence, Source, Verdict


def _claim():
    return Claim(
        id="toy/claim", title="Title <1>", kind="law", statement="$x$", source=Source("toy", "1"),
        scope={"d": "all"}, formula=lambda d: 1.0 / d, mutants={"two": lambda d: 2.0 / d},
    )  # fmt: skip


CLAIM = _claim()


def _entry(*checks):
    return Entry(CLAIM, "toy", "toy.py", checks)


def _rows(**changes):
    return [
        {"d": d, "trials": 100, "estimate": 1.1 / d, "low": 0.8 / d, "high": 1.2 / d,
         "claimed": 1.0 / d, "p_value": 0.2, "verdict": "supported", **changes}
        for d in (2, 4, 8)
    ]  # fmt: skip


def _evidence(kind, check="check", verdict=Verdict.SUPPORTED, **data):
    return Evidence(kind, check, verdict, "found & <weighed>", data)


MEASURED = _evidence("monte-carlo", level=1e-5, rows=_rows())
SEARCH = _evidence("search", exercised=7, ratios=[0.2, None, 0.9, 0.5])
FIT = _evidence(
    "scaling", quantity="exponent", estimate=-1.01, low=-1.1, high=-0.9, claimed=-1.0, level=1e-5,
    coefficients={"exponent": -1.01},
    rows=[{"x": x, "y": 1.02 / x, "se": 0.02 / x, "fitted": 1.0 / x} for x in (1.0, 2.0, 4.0)],
)  # fmt: skip
PROOF = _evidence(
    "proof",
    transcript=[
        {"index": 1, "name": "a long name $ of a step " * 6, "rule": "identity", "scope": "all d",
         "status": "checked"},
        {"index": 2, "name": "next", "rule": "cited", "scope": "d <= 4", "status": "cited"},
        {"index": 3, "name": "last", "rule": "exact", "scope": "d = 2", "status": "failed"},
    ],
)  # fmt: skip


def _lines(figure):
    return [line for axes in figure.axes for line in axes.get_lines()]


def test_registration(monkeypatch):
    from theory.core import registry

    monkeypatch.setattr(registry, "_CHECKS", [])

    @figures.figure(CLAIM)
    def picture(figure, results):
        """Draw nothing."""

    assert [(c.kind, c.name, c.claim) for c in registry._CHECKS] == [("figure", "picture", CLAIM)]
    with pytest.raises(ClaimError, match="must be a Claim"):
        figures.figure("toy/claim")


def test_results_give_rows_and_columns():
    other = _evidence("monte-carlo", "other", rows=[{"d": 1, "estimate": 1.0}])
    results = Results(CLAIM, (MEASURED, other, SEARCH))
    assert len(results.rows()) == 4
    assert results.column("d", "check") == [2, 4, 8]
    assert results.of_kind("search", "proof") == (SEARCH,)
    with pytest.raises(FigureError, match="a measurement 'missing'; it has check, other"):
        results.rows("missing")
    with pytest.raises(FigureError, match="rows have no 'low'"):
        results.column("low", "other")


def test_registered_figure_is_drawn_in_the_style_of_the_suite():
    seen = {}

    def picture(figure, results):
        """Estimates over d.

        More.
        """
        seen["size"] = matplotlib.rcParams["font.size"]
        figure.subplots().plot(results.column("d"), results.column("estimate"), label="drawn")

    with matplotlib.rc_context({"font.size": 31.0}):
        drawn = draw_all(_entry(Check("figure", CLAIM, picture, {})), [MEASURED])
        assert matplotlib.rcParams["font.size"] == 31.0
    assert list(drawn) == ["picture"]
    assert seen["size"] == 10.0
    assert drawn["picture"].get_label().startswith("Estimates over d\ntoy/claim.")
    assert [line.get_label() for line in _lines(drawn["picture"])] == ["drawn"]


def test_failure_of_a_registered_figure_names_claim_and_figure():
    def picture(figure, results):
        raise KeyError("nothing")

    with pytest.raises(FigureError, match=r"^toy/claim: figure 'picture' failed: KeyError"):
        draw(_entry(Check("figure", CLAIM, picture, {})), [MEASURED])


def test_no_evidence_says_what_to_run():
    with pytest.raises(FigureError, match="run adageo verify 'toy/claim' first"):
        draw(_entry(), [])


def test_every_kind_has_its_default():
    drawn = draw_all(_entry(), [PROOF, SEARCH, MEASURED, FIT])
    assert list(drawn) == ["check", "scaling", "search"]
    assert draw(_entry(), [SEARCH, MEASURED]).get_label().startswith("Estimates of check")


def test_forest_is_relative_to_the_claimed_value():
    axes = draw(_entry(), [MEASURED]).axes[0]
    points = [line for line in axes.get_lines() if line.get_marker() == "o"]
    # 1.1/d against 1/d is ten per cent at every d, to rounding.
    numpy.testing.assert_allclose([line.get_xdata()[0] for line in points], 10.0, rtol=1e-12)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["d = 2", "d = 4", "d = 8"]
    assert "%" in axes.get_xlabel()


def test_forest_is_a_difference_where_the_claimed_value_is_zero():
    axes = draw(_entry(), [_evidence("monte-carlo", rows=_rows(claimed=0.0))]).axes[0]
    assert "%" not in axes.get_xlabel()


def test_forest_without_a_claimed_value_or_with_an_open_interval():
    rows = _rows(claimed=None, low=None, verdict="inconclusive")
    axes = draw(_entry(), [_evidence("monte-carlo", rows=rows)]).axes[0]
    assert axes.get_xlabel() == "estimate"


def test_quantiles_give_a_qq_plot():
    quantiles = {"claimed": [-1.0, 0.0, 1.0], "sample": [-1.1, 0.0, 1.2]}
    drawn = draw_all(_entry(), [_evidence("monte-carlo", rows=_rows(quantiles=quantiles))])
    assert list(drawn) == ["check", "quantiles"]
    assert len(_lines(drawn["quantiles"])) == 4


def test_ratio_curve_is_sorted_and_marks_one():
    figure = draw(_entry(), [SEARCH])
    curve, end, bound = _lines(figure)
    assert list(curve.get_ydata()) == [0.2, 0.5, 0.9]
    assert list(end.get_ydata()) == [0.9]
    assert set(bound.get_ydata()) == {1.0}
    assert "tightness 0.9" in curve.get_label()


def test_power_law_has_logarithmic_axes_and_residuals():
    above, below = draw(_entry(), [FIT]).axes
    assert above.get_xscale() == above.get_yscale() == "log"
    residuals = below.get_lines()[0].get_ydata()
    # 1.02/x less 1/x is one standard error at every x, to rounding.
    numpy.testing.assert_allclose(residuals, 1.0, rtol=1e-12)
    stored = [{**row, "residual": 0.99} for row in FIT.data["rows"]]
    _, below = draw(_entry(), [replace(FIT, data={**FIT.data, "rows": stored})]).axes
    assert set(below.get_lines()[0].get_ydata()) == {0.99}


def test_a_fit_without_rows_is_drawn_by_its_coefficient():
    data = {key: value for key, value in FIT.data.items() if key != "rows"}
    axes = draw(_entry(), [_evidence("scaling", **data)]).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["exponent (check)"]


def test_steps_show_scope_and_status():
    figure = draw(_entry(), [PROOF])
    shown = " ".join(text.get_text() for text in figure.texts)
    for part in ("identity, all d: checked", "cited, d <= 4: cited", "exact, d = 2: failed"):
        assert part in shown
    figure.draw_without_rendering()
    right = max(text.get_window_extent().x1 for text in figure.texts)
    assert right <= figure.bbox.x1


def test_evidence_with_nothing_to_plot_is_summarised():
    figure = draw(_entry(), [_evidence("search", ratios=[])])
    assert "search: supported" in [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("name", figures.FORMATS)
def test_bytes_repeat(name, tmp_path):
    evidence = [MEASURED, SEARCH, PROOF]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save(draw(_entry(), evidence), tmp_path / folder / "figure", [name])
    first, second = ((tmp_path / f / f"figure.{name}").read_bytes() for f in ("a", "b"))
    assert first == second
    assert len(first) > 1000


def test_save_keeps_dots_of_the_name_and_refuses_other_formats(tmp_path):
    figure = draw(_entry(), [SEARCH])
    assert save(figure, tmp_path / "a.b", ["svg"]) == [tmp_path / "a.b.svg"]
    assert save(figure, tmp_path / "c.png") == [tmp_path / "c.png"]
    with pytest.raises(FigureError, match="format 'gif'; it must be svg, png, pdf"):
        save(figure, tmp_path / "c.gif")


def test_svg_has_alternative_text_own_names_and_no_traces():
    text = svg(draw(_entry(), [SEARCH]), "one two")
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "one-two-title one-two-desc"
    assert root[0].text == "Left side over right side, sorted"
    assert root[1].text == "toy/claim. search: found & <weighed>"
    names = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(names) == len(set(names))
    assert all(name.startswith("one-two-") for name in names)
    links = [value for e in root.iter() for key, value in e.attrib.items() if key.endswith("href")]
    assert {link.removeprefix("#") for link in links} <= set(names)
    for trace in ("metadata", "Matplotlib", "dc:date", "<!--", "<style"):
        assert trace not in text


def test_data_table_is_flat():
    rows = data_table(Results(CLAIM, (MEASURED, SEARCH, PROOF, FIT)))
    assert rows[0]["kind"] == "monte-carlo"
    assert rows[0]["check"] == "check"
    assert rows[3] == {"kind": "search", "check": "check", "quantile": 0.0, "lhs/rhs": 0.2}
    assert len(rows) == 3 + 4 + 3 + 3
    coefficient = _evidence("scaling", quantity="exponent", coefficients={"exponent": 1.0})
    assert data_table(Results(CLAIM, (coefficient,)))[0]["quantity"] == "exponent"
    nested = _evidence("monte-carlo", rows=[{"point": [1, 2]}])
    assert data_table(Results(CLAIM, (nested,)))[0]["point"] == "[1, 2]"


def test_matplotlib_is_imported_only_to_draw():
    code = "import sys, simulations.engine.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
