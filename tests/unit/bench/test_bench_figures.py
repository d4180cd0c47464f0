"""What the benchmark makes of its seconds."""

from bench.figures import Aim, Figures, times, verdicts

MEASURED = {"up": [30.0, 20.0, 90.0], "script": [40.0]}


def test_one_slow_run_does_not_change_the_figure() -> None:
    assert Figures(MEASURED).median("up") == 30


def test_every_run_is_shown_beside_the_median() -> None:
    assert "| up | 30.0 | 30.0 20.0 90.0 |" in times(Figures(MEASURED))


def test_an_aim_at_its_limit_is_met() -> None:
    assert verdicts(Figures(MEASURED), [Aim("up", 30)]).endswith("| up | at most 30 s | 30.00 s | met |")


def test_an_aim_in_multiples_is_held_to_the_other_median() -> None:
    shown = verdicts(Figures(MEASURED), [Aim("up", 0.7, "script")])
    assert shown.endswith("| up | at most 0.7 x script | 0.75 x script | **missed** |")


def test_an_aim_without_its_runs_is_not_called_met() -> None:
    for aim in (Aim("destroy", 1), Aim("up", 1, "destroy")):
        assert verdicts(Figures(MEASURED), [aim]).endswith("| - | not measured |")
