"""The splitter of LaTeX prose, the conversion to MathML, and its refusals."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.app.report.mathml import FormulaError, Segment, inline, prose, split, to_mathml

WHERE = "toy/claim"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no formula", [("text", "no formula")]),
        ("$x$", [("inline", "x")]),
        (r"a \(x\) b", [("text", "a "), ("inline", "x"), ("text", " b")]),
        ("$$x$$ and $y$", [("display", "x"), ("text", " and "), ("inline", "y")]),
        (r"\[ x \]", [("display", "x")]),
        (r"$x \text{ if $y$}$", [("inline", r"x \text{ if $y$}")]),
        (r"costs 5\$ or $5\$$", [("text", r"costs 5\$ or "), ("inline", r"5\$")]),
        (r"$$\begin{cases}1 \\[2pt] 2\end{cases}$$",
         [("display", r"\begin{cases}1 \\[2pt] 2\end{cases}")]),
        (r"$\|x\|$", [("inline", r"\|x\|")]),
        ("", []),
    ],
)  # fmt: skip
def test_split(text, expected):
    assert split(text, WHERE) == [Segment(*pair) for pair in expected]


@pytest.mark.parametrize(
    "text", ["a $x", "$$x$", r"\(x", r"x\)", r"\[x", r"x \] y", "$ $", r"$\text{x$", "$x$ and $"]
)
def test_split_refuses_what_is_not_closed(text):
    with pytest.raises(FormulaError, match=r"^toy/claim: "):
        split(text, WHERE)


@given(st.text(alphabet="ab ${}\\()[]", max_size=20))
def test_split_keeps_every_character_or_refuses(text):
    try:
        segments = split(text, WHERE)
    except FormulaError:
        return
    wrapped = sum(len(s.body) for s in segments)
    # Only delimiters (two or four characters a formula) and blanks inside formulas go missing.
    formulas = sum(s.kind != "text" for s in segments)
    assert wrapped + 2 * formulas <= len(text)
    assert wrapped + 4 * formulas + text.count(" ") >= len(text)
    assert all(s.body in text for s in segments)


def _children(latex, **options):
    return ElementTree.fromstring(to_mathml(latex, WHERE, **options))


def test_display_and_inline():
    assert _children("x").get("display") == "inline"
    assert _children("x", display=True).get("display") == "block"


@pytest.mark.parametrize(
    "latex",
    [
        r"\|s\|_A \le \alpha \|g\|_{A^{-1}}",
        r"\frac{1}{1 + (d-1)\sigma_2/\sigma_1}",
        r"\operatorname*{arg\,min}_{\|s\|_A \le \Delta} g^\top s",
        r"\begin{aligned} a &= b \\ &\le c \end{aligned}",
        r"f(x) = \begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"e_n = \frac{2\,\Gamma((n+1)/2)}{\sqrt{\pi}\,\Gamma(n/2)}",
        r"\mathbb{E}|X| \sim c_0 \sqrt{n}, \quad c_0 = \sqrt{2/\pi}",
        r"\lambda_{\min}(A) \ge \varepsilon, \qquad A \succeq \epsilon I",
        r"\int_0^\infty d\,(-\varphi'(\ell))\,\varphi(\ell)^{d-1}\,\mathrm{d}\ell",
        r"\mathbf{1}\{|x| \le t\}, \quad \lfloor n/2 \rfloor, \quad \binom{n-1}{k}",
        r"x \xrightarrow{d} y, \quad \hat\mu, \bar x, \widetilde{A}, \overline{AB}",
        r"\mathrm{tr}(A) := \sum_{i=1}^d A_{ii}",
    ],
)
def test_formulas_of_the_field_convert(latex):
    root = _children(latex, display=True)
    text = "".join(root.itertext())
    assert "\\" not in text
    assert "$" not in text
    assert "&" not in text
    assert not [e for e in root.iter() if e.get("columnalign") or e.tag == "merror"]


@pytest.mark.parametrize(
    ("latex", "reason"),
    [
        (r"\foo{x}", "is not a command"),
        (r"\label{a} x", "is not a command"),
        (r"a & b", "alignment mark"),
        (r"a \\ b", "line break"),
        (r"\begin{gathered}a \\ b\end{gathered}", "line break"),
        (r"x}", "unbalanced braces"),
        (r"{x", "unbalanced braces"),
        (r"\left( x", ""),
        (r"\text{if $x$}", "is not a command"),
        (r"\mathop{\rm E}", "made of other symbols"),
        (r"{}", "empty"),
    ],
)
def test_refusals_name_claim_and_formula(latex, reason):
    with pytest.raises(FormulaError) as caught:
        to_mathml(latex, WHERE)
    message = str(caught.value)
    assert message.startswith("toy/claim: the formula ")
    assert repr(latex) in message
    assert reason in message
    assert "\n" not in message


def test_relations_are_operators_and_functions_are_spaced():
    root = _children(r"n \log n \sim \max(a, b) \preceq \infty")
    operators = {e.text: e for e in root.iter("mo")}
    assert {"∼", "⪯"} <= set(operators)
    assert operators["log"].get("lspace") == operators["log"].get("rspace") == "0.167em"
    assert operators["max"].get("rspace") == "0"


def test_norm_bars_are_not_spaced_like_relations():
    root = _children(r"a \|x\|_A |y|")
    bars = [e for e in root.iter("mo") if e.text in ("‖", "|")]
    assert len(bars) == 4
    assert all(bar.get("lspace") == bar.get("rspace") == "0" for bar in bars)


def test_signs_are_told_from_differences():
    root = _children(r"a - b = -c (-d) - |e| - f")
    forms = [e.get("form") for e in root.iter("mo") if e.text == "−"]
    assert forms == [None, "prefix", "prefix", None, None]


def test_aligned_relations_stand_at_the_edge_of_their_cells():
    root = _children(r"\begin{aligned} a &= b \\ &= c \end{aligned}", display=True)
    styles = {cell.get("style") for cell in root.iter("mtd")}
    assert styles == {f"text-align:{a};padding-{a}:0;padding-{b}:0.4em"
                      for a, b in (("left", "right"), ("right", "left"))}  # fmt: skip


def test_punctuation_stays_with_its_formula():
    html = inline("let $x$, $y$; see ($z$).", WHERE)
    assert [part.split("</span>")[0] for part in html.split("</math>")[1:]] == [",", ";", ")."]
    assert html.startswith('let <span class="formula"><math')


def test_limits_stand_below():
    root = _children(r"\lim_{n\to\infty} x_n = \operatorname*{arg\,min}_s f", display=True)
    below = list(root.iter("munder"))
    assert len(below) == 2
    assert all(e[0].get("movablelimits") == "true" for e in below)


def test_styled_letters_become_their_own_characters():
    root = _children(r"\mathbf{x} \bm{y} \boldsymbol{\lambda} \mathbb{R} \mathcal{N} \mathsf T")
    text = "".join(root.itertext())
    assert text == "𝐱𝒚𝝀ℝ𝒩𝖳"
    assert not [e for e in root.iter() if e.get("mathvariant")]


def test_prose():
    html = prose(
        "Let $d \\ge 1$ -- a ``dimension'' -- and \\emph{any} law;\n\n"
        "5\\% of `a_b` <b> 1--2~m, --json",
        WHERE,
    )
    assert html.startswith('<p>Let <span class="formula"><math')
    assert "– a “dimension” – and <em>any</em> law;</p>\n<p>5% of <code>a_b</code>" in html
    assert html.endswith("&lt;b&gt; 1–2\u00a0m, --json</p>")


def test_prose_puts_display_formulas_in_a_span_that_can_scroll():
    assert '<span class="display"><math display="block">' in prose(r"\[x\]", WHERE)


def test_prose_refuses_commands_outside_formulas():
    with pytest.raises(FormulaError, match=r"toy/claim: '.*alpha' outside a formula"):
        prose(r"Let \alpha > 0", WHERE)


def test_inline_is_one_line():
    assert inline("a\n\nb", WHERE) == "a b"
