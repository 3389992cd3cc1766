"""The level of each test of a run: every way to flag a true claim by chance is counted."""

import json

from simulations.app.cli import main
from simulations.app.runner import FAMILY_LEVEL

RATE = """
import math
from simulations.engine import estimators, measurement, scaling
from simulations.engine.scaling import Comparison, column, fit_power_law
from theory.core import Claim, Source

claim = Claim(
    id="planted/rate", title="Mean of |X| / sqrt n", kind="rate", statement="-",
    source=Source("nobody", item="Lemma 0"), scope={"n": "n >= 1"}, formula=lambda: -0.5,
    mutants={"a tenth too fast": lambda: -0.6, "a tenth too slow": lambda: -0.4},
)

@measurement(claim, points={"quick": [{"n": n} for n in (10, 20, 40, 80)]}, trials=10_000,
             estimate=estimators.mean("x"), resolution=0.1,
             claimed=lambda statement, point: math.sqrt(2 / math.pi / point["n"]))
def sizes(stream, trials, *, n):
    return {"x": abs(stream.normal((trials,))) / math.sqrt(n)}

@scaling(claim, of="sizes")
def exponent(statement, rows):
    fit = fit_power_law(*(column(rows, name) for name in ("n", "estimate", "standard_error")))
    return Comparison(fit, "exponent", statement.formula(), resolution=0.05)
"""


def test_points_exponents_and_lacks_of_fit_share_the_family_level(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rate.py").write_text(RATE)
    options = ["--workers", "1", "--json", "o.json"]
    assert main(["--claims", "rate.py", "verify", "planted/*", *options]) == 0
    (claim,) = json.loads((tmp_path / "o.json").read_text())["claims"]
    # Four points, one exponent, one lack of fit; nothing is rejected.
    assert {piece["level"] for piece in claim["evidence"]} == {FAMILY_LEVEL / 6}
    assert [mutant["by"] for mutant in claim["mutants"]["list"]] == ["exponent", "exponent"]
