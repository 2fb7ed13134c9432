"""The list of scikit-learn checks that fail only shrinks."""

import pytest

from tests._expected_failures import OF_ESTIMATORS


@pytest.mark.parametrize("name", OF_ESTIMATORS)
def test_at_most_two_checks_an_estimator_and_each_has_a_reason(name):
    failures = OF_ESTIMATORS[name]
    assert len(failures) <= 2
    assert all(len(reason) > 20 for reason in failures.values())
