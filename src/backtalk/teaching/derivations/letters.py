"""The letters of an optimizer's formulas that are not written as they are named: β₁ is ``beta_1``, m̂ is ``m_hat``."""

from __future__ import annotations

LETTERS = {  # name: text, LaTeX, MathML
    "theta": ("θ", r"\theta", "<mi>θ</mi>"),
    "eta": ("η", r"\eta", "<mi>η</mi>"),
    "eta_hat": ("η̂", r"\hat{\eta}", "<mover accent='true'><mi>η</mi><mo stretchy='false'>^</mo></mover>"),
    "factor": ("f", "f", "<mi>f</mi>"),
    "change": ("Δ", r"\Delta", "<mi mathvariant='normal'>Δ</mi>"),
    "delta": ("δ", r"\delta", "<mi>δ</mi>"),
    "heard": ("h", "h", "<mi>h</mi>"),
    "limit": ("c", "c", "<mi>c</mi>"),
    "norm": ("‖∇‖", r"\|\nabla\|", "<mrow><mo>‖</mo><mo>∇</mo><mo>‖</mo></mrow>"),
    "norm_W": ("‖∇W‖", r"\|\nabla W\|", "<mrow><mo>‖</mo><mo>∇</mo><mi>W</mi><mo>‖</mo></mrow>"),
    "norm_b": ("‖∇b‖", r"\|\nabla b\|", "<mrow><mo>‖</mo><mo>∇</mo><mi>b</mi><mo>‖</mo></mrow>"),
    "l2_penalty": ("λ₂", r"\lambda_2", "<msub><mi>λ</mi><mn>2</mn></msub>"),
    "weight_decay": ("λ", r"\lambda", "<mi>λ</mi>"),
    "mu": ("μ", r"\mu", "<mi>μ</mi>"),
    "momentum_decay": ("ψ", r"\psi", "<mi>ψ</mi>"),
    "rho": ("ρ", r"\rho", "<mi>ρ</mi>"),
    "momentum": ("μ", r"\mu", "<mi>μ</mi>"),
    "epsilon": ("ε", r"\varepsilon", "<mi>ε</mi>"),
    "beta_1": ("β₁", r"\beta_1", "<msub><mi>β</mi><mn>1</mn></msub>"),
    "beta_2": ("β₂", r"\beta_2", "<msub><mi>β</mi><mn>2</mn></msub>"),
    "m_hat": ("m̂", r"\hat{m}", "<mover accent='true'><mi>m</mi><mo stretchy='false'>^</mo></mover>"),
    "v_hat": ("v̂", r"\hat{v}", "<mover accent='true'><mi>v</mi><mo stretchy='false'>^</mo></mover>"),
    "u_hat": ("û", r"\hat{u}", "<mover accent='true'><mi>u</mi><mo stretchy='false'>^</mo></mover>"),
    "velocity": ("v", "v", "<mi>v</mi>"),
}
TEXT, LATEX, MATHML = ({name: written[k] for name, written in LETTERS.items()} for k in range(3))
