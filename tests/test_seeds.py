"""Ten seeds at the quick budget: no true claim is flagged, whatever the numbers drawn."""

import json

import pytest

from simulations.app.cli import main


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 11))
def test_no_true_claim_is_flagged(seed, tmp_path_factory, tmp_path):
    # One store for all seeds: a killed sweep goes on where it stopped.
    store = tmp_path_factory.getbasetemp() / "seeds"
    out = tmp_path / "out.json"
    main(["verify", "--seed", str(seed), "--store", str(store), "--json", str(out)])
    claims = json.loads(out.read_text())["claims"]
    assert [claim["id"] for claim in claims if not claim["as_expected"]] == []
