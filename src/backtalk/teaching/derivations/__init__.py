"""The chain rule with the numbers of a network and an example: derivations and paths.

expressions.py  formulas as trees; evaluation.py: each side is computed, and numbers are put in
quantity.py     W[1,2,3], h[2], …: what can be asked for
view.py         how much is shown of numbers and arrays; rows.py: which units of a large layer matter
picture.py      the network, with what is lit; lit.py: what each step lights; characters.py, svg.py, tikz.py: how it is
                drawn; palette.py: in which colours
document.py     what stands on paper: titles, sentences, equations; forms.py: write, for each form that there is
values.py       the numbers of the symbols, from the library's own passes
outputs.py      the first talk of each pair; loss_formulas.py: each loss as formulas of ŷ; steps.py: one equation
strongest.py    the strongest paths from a quantity to the loss; routes.py: what they are
brief.py        the steps in their shortest form; lecture/: each formula derived, page by page
explanation.py  explain: the steps, in the order of the talks; derivation.py: what it gives
notation.py     what writers of formulas share; numbers.py: how a number is written; layout.py: where lines end
text.py         a formula as text; latex.py, mathml.py: in other languages; trees.py: as JSON
records.py      steps with their trees and the numbers of an example, which a page writes out
templates.py    the steps to every quantity, for a page that puts in the numbers of any step of training
sentences.py    formulas within sentences; letters.py: Greek ones
functions.py    g, g′ and O in words; losses_in_words.py: the loss and its target
update/         one update of one weight, by the formulas of its optimizer
plain.py        a whole document as text; markdown.py, article.py, slides.py, page.py: in other forms; beamer.py: what
                slides begin with; svg_steps.py: each step as a picture
"""

from .derivation import Derivation
from .explanation import explain
from .forms import write
from .routes import Path, Paths
from .steps import Step
from .strongest import paths
from .update import StepDerivation, explain_step

__all__ = ["Derivation", "Path", "Paths", "Step", "StepDerivation", "explain", "explain_step", "paths", "write"]
