"""Sentences in which quantities are mentioned: W[1,2,1] becomes a formula, and the words around it are escaped."""

from __future__ import annotations

import re
from collections.abc import Callable

from .expressions import Derivative, Expression, Partial, Symbol

SYMBOL = r"(?:[haWb]\[[0-9]+(?:,[0-9]+)*\]|ŷ(?:\[[0-9]+\])?)"
MENTIONED = re.compile(
    rf"∂ℒ/∂(?P<slope>{SYMBOL})|∂(?P<above>{SYMBOL})/∂(?P<below>{SYMBOL})|∇(?P<whole>{SYMBOL})|{SYMBOL}|ℒ"
)
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    **{letter: rf"\{letter}" for letter in "&%$#_{}"},
}  # fmt: skip
LATEX_LETTERS = {
    "∂": r"$\partial$", "∇": r"$\nabla$", "′": r"$^{\prime}$", "·": r"$\cdot$", "−": "$-$", "×": r"$\times$",
    "→": r"$\to$", "…": r"\dots{}", "Σ": r"$\Sigma$", "⊙": r"$\odot$", "⊘": r"$\oslash$", "²": "$^2$",
    "ᵀ": r"$^{\top}$", "≤": r"$\le$", "≥": r"$\ge$", "∞": r"$\infty$", "ℓ": r"$\ell$", "σ": r"$\sigma$",
    "ρ": r"$\rho$", "δ": r"$\delta$", "α": r"$\alpha$", "λ": r"$\lambda$", "‖": r"$\|$", "½": r"$\frac{1}{2}$",
    "Φ": r"$\Phi$", "φ": r"$\varphi$", "θ": r"$\theta$", "η": r"$\eta$", "β": r"$\beta$", "ε": r"$\varepsilon$",
    "μ": r"$\mu$", "ψ": r"$\psi$", "√": r"$\surd$", "₁": "$_1$", "₂": "$_2$",
}  # fmt: skip


def typeset(sentence: str, write: Callable[[Expression], str], escape: Callable[[str], str]) -> str:
    r"""A sentence with each quantity written as a formula, and the rest escaped.

    >>> from backtalk.teaching.derivations.latex import write_latex
    >>> print(typeset("h[1,2] & all of ∇a[3]", lambda part: f"${write_latex(part)}$", escape_latex))
    $h_{1,2}$ \& all of $\nabla_{a_3}\mathcal{L}$
    """
    written, end = "", 0
    for mention in MENTIONED.finditer(sentence):
        written += escape(sentence[end : mention.start()]) + write(_as_expression(mention))
        end = mention.end()
    return written + escape(sentence[end:])


def _as_expression(mention: re.Match[str]) -> Expression:
    if mention["slope"] or mention["whole"]:
        return Derivative(_as_symbol(mention["slope"] or mention["whole"]))
    if mention["above"]:
        return Partial(_as_symbol(mention["above"]), _as_symbol(mention["below"]))
    return _as_symbol(mention[0])


def _as_symbol(text: str) -> Symbol:
    numbers = tuple(map(int, re.findall("[0-9]+", text)))
    if text[0] in "ŷℒ":
        return Symbol("yhat" if text[0] == "ŷ" else "loss", None, numbers)
    return Symbol(text[0], numbers[0], numbers[1:])


def escape_latex(text: str) -> str:
    r"""Words as LaTeX shows them, whatever letters they hold; a letter that it lacks by its number.

    >>> print(escape_latex("my_relu 50% 力"))
    my\_relu 50\% [U+529B]
    """
    return "".join(LATEX_SPECIAL.get(letter) or LATEX_LETTERS.get(letter) or _known(letter) for letter in text)


def _known(letter: str) -> str:
    if letter.isascii():
        return letter if letter.isprintable() else " "
    return letter if "À" <= letter <= "ſ" and letter not in "ĸŉſŀĿ" else f"[U+{ord(letter):04X}]"


def escape_markdown(text: str) -> str:
    r"""Words as Markdown shows them.

    >>> print(escape_markdown("my_relu"))
    my\_relu
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", text)
