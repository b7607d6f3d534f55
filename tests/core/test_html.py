"""What notebooks show."""

from asng_core import ASNG, Categorical, Integer, Space, minimize

HOSTILE = "<script>alert(1)</script>"


class Odd:
    def __repr__(self):
        raise ArithmeticError


def test_spaces_candidates_and_results_are_tables_whose_text_is_escaped():
    space = Space({HOSTILE: Categorical([HOSTILE, Odd()]), "n": Integer(0, 3)}, active_if={"n": {HOSTILE: [HOSTILE]}})
    shown = [space, ASNG(space, seed=0).ask(), minimize(lambda v: v.get("n", 1.0), space, budget=3, seed=0),
             minimize(lambda v: (1.0, 2.0), space, budget=2, seed=0)]
    for each in shown:
        text = each._repr_html_()
        assert text.count("<table>") == text.count("</table>") == 1
        assert "<script" not in text
    assert "&lt;script&gt;" in shown[0]._repr_html_()
    assert "minimize(" in shown[2]._repr_html_()
    assert "points on the front" in shown[3]._repr_html_()
