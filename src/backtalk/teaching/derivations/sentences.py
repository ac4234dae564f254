"""Sentences in which quantities are mentioned: W[1,2,1] becomes a formula, and the words around it are escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .expressions import Derivative, Expression, Inline, Partial, Symbol

INDEX = "(?:[0-9]+|[a-zL](?:[+−][0-9])?|·)"
SYMBOL = rf"(?:[haWb]\[{INDEX}(?:,{INDEX})*\]|ŷ(?:\[{INDEX}\])?|ℒ)"
TOKEN = re.compile(
    rf"(?P<mention>∂ℒ/∂(?P<slope>{SYMBOL}|[haWb](?![A-Za-z]))|∂(?P<above>{SYMBOL})/∂(?P<below>{SYMBOL})|∇(?P<whole>{SYMBOL})|{SYMBOL})"
    r"|(?P<atom>(?<![A-Za-z_.])(?:exp|log|tanh|[A-Za-z])(?![A-Za-z])(?:_[A-Za-z0-9])?|[σρδΦφαλγμℓ½…]"
    r"|(?<![\w.])[0-9]+(?:\.[0-9]+)?(?!\w))"
    r"|(?P<after>[²ᵀ′)])|(?P<sign>[=+−·×/⊙⊘≤≥<>|(,])"
)
LETTER = re.compile(r"[\s(]?(?:[b-zBLMOTW][\s.,;:)]?|a[.,;:)]?)")  # alone between words; not the article
STRONG = set("=+−·×/⊙⊘≤≥<>|²ᵀ′½σρδΦφαλγμℓ")  # what makes a formula of letters
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
    "μ": r"$\mu$", "π": r"$\pi$", "γ": r"$\gamma$", "ψ": r"$\psi$", "√": r"$\surd$", "₁": "$_1$", "₂": "$_2$",
}  # fmt: skip


def typeset(sentence: str, write: Callable[[Expression], str], escape: Callable[[str], str]) -> str:
    r"""A sentence with each quantity written as a formula, and the rest escaped.

    >>> from backtalk.teaching.derivations.latex import write_latex
    >>> print(typeset("h[1,2] & all of ∇a[3]", lambda part: f"${write_latex(part)}$", escape_latex))
    $h_{1,2}$ \& all of $\nabla_{a_3}\mathcal{L}$
    """
    written, end = "", 0
    for begin, stop, tokens in _formulas(sentence):
        match tokens:
            case (Symbol() | Derivative() | Partial() as alone,):
                formula: Expression = alone
            case _:
                formula = Inline(tokens)
        written += escape(sentence[end:begin]) + write(formula)
        end = stop
    return written + escape(sentence[end:])


def _formulas(sentence: str) -> Iterator[tuple[int, int, tuple[Symbol | Derivative | Partial | str, ...]]]:
    """Where a formula begins and ends in a sentence, and its tokens."""
    run: list[re.Match[str]] = []
    for token in (*TOKEN.finditer(sentence), None):
        if token is not None and run and _goes_on(sentence, run[-1], token):
            run.append(token)
            continue
        if found := _trimmed(sentence, run):
            yield found[0].start(), found[-1].end(), tuple(map(_as_token, found))
        run = [] if token is None else [token]


def _goes_on(sentence: str, before: re.Match[str], token: re.Match[str]) -> bool:
    """Whether a token belongs to the formula before it: only a sign stands between two letters."""
    between = sentence[before.end() : token.start()]
    if between not in ("", " "):
        return False
    operand, another = (each["mention"] or each["atom"] for each in (before, token))
    if operand and another:
        functions = {"log", "exp", "tanh"}
        return operand == "½" or bool(functions & {operand, another}) or "…" in (operand, another)
    return not (before["after"] and token["atom"])


def _trimmed(sentence: str, run: list[re.Match[str]]) -> list[re.Match[str]]:
    """Without signs and brackets at the ends that belong to the sentence; empty if it is no formula."""
    while run and (run[-1][0] in "(,=+·/<>" or (run[-1][0] == ")" and _open(run) < 0)):
        run = run[:-1]
    while run and (run[0][0] in "),=·/²ᵀ′<>" or (run[0][0] == "(" and _open(run) > 0)):
        run = run[1:]
    if len(run) == 1 and len(run[0][0]) == 1 and run[0][0].isascii() and run[0][0].isalpha():
        around = sentence[: run[0].start()][-1:], sentence[run[0].end() :][:1]
        return run if LETTER.fullmatch(f"{around[0]}{run[0][0]}{around[1]}") else []
    text = "".join(token[0] for token in run)
    formula = any(token["mention"] for token in run) or STRONG & set(text) or re.search(r"_|\w\(", text)
    return run if formula and _open(run) == 0 else [token for token in run if token["mention"]][:1]


def _open(run: list[re.Match[str]]) -> int:
    return sum((token[0] == "(") - (token[0] == ")") for token in run)


def _as_token(token: re.Match[str]) -> Symbol | Derivative | Partial | str:
    if not token["mention"]:
        return token[0]
    if token["slope"] or token["whole"]:
        return Derivative(_as_symbol(token["slope"] or token["whole"]))
    if token["above"]:
        return Partial(_as_symbol(token["above"]), _as_symbol(token["below"]))
    return _as_symbol(token[0])


def _as_symbol(text: str) -> Symbol:
    numbers = tuple(int(part) if part.isdigit() else part for part in re.findall(INDEX, text.partition("[")[2]))
    if text[0] in "ŷℒ":
        return Symbol("yhat" if text[0] == "ŷ" else "loss", None, numbers)
    return Symbol(text[0], numbers[0] if numbers else None, numbers[1:])


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
