// What the words on the page mean, in a sentence or two for those who meet them for the first time.

/** By the key that an element names in `data-hint`. */
export const TERMS: Record<string, string> = {
  step: "A step changes every weight and bias once, by the gradient of one mini-batch.",
  epoch: "An epoch is over when each training row has been used once. 1.5 means: all of them once, and half of them again.",
  "mini-batch": "The few rows that one step learns from. Each step takes the next ones, in an order that is drawn anew in every epoch.",
  "batch-loss":
    "The loss of the mini-batch of the last step: before that step, and after it with the weights as they are now. A plain step downhill that is not too long makes the second number the smaller one.",
  "held-out":
    "Rows that the network never learns from. How it does on them says what it has understood, and not only learned by heart.",
  "held-out-loss": "The mean loss of the rows that are held out: the network never learns from them.",
  accuracy: "The share of rows for which the network gives its largest output to the right class.",
  "accuracy-held-out": "The share of the held-out rows for which the network's largest output is the right class.",
  "r2-held-out":
    "R² on the held-out rows: 1 if every prediction is exact, 0 if they are no better than to say the mean each time.",
  "training-score": "Measured on the rows that the network learns from, since no row is held out: it says nothing of new rows.",
  data: "The examples. Each row has inputs x and a target: a class, or a number.",
  noise: "How far the points are moved at random. With much noise the classes overlap, and no network can tell all of them apart.",
  layers: "Hidden layers stand between the inputs and the outputs. h₁ is the first; the number is how many units it has.",
  activation: "The function g that each hidden unit applies to what it hears: h = g(a). Without a bend in it, many layers could do no more than one.",
  output: "The function that turns what the output units hear into ŷ. Auto is the one that goes with the loss.",
  loss: "The number that training makes small: how wrong ŷ is. Auto is the one that suits the data.",
  initialization: "How the weights are drawn before the first step. Biases begin at 0. Auto takes, for each layer, what suits its activation.",
  optimizer: "How a step is made from the gradient.",
  rate: "η, how far a step goes. Too small, and nothing moves; too large, and the loss jumps or training breaks off. It can be changed while training runs.",
  schedule: "How the learning rate changes in the course of training.",
  epochs: "The number of epochs over which the schedule goes. Afterwards the rate stays where it ended.",
  batch: "How many rows one step learns from. More rows give a truer gradient; fewer give more steps for the same work.",
  l2_penalty:
    "λ: half of λ times the sum of all squared weights is added to the loss, so that each step also pulls the weights towards 0. 0 is none.",
  dropout:
    "The share of hidden units that is silenced in each step, drawn anew each time. The drawing and the held-out loss are without it. 0 is none.",
  seed: "The number from which the first weights and the order of the rows are drawn. The same seed gives the same run.",
  "train-on":
    "Goes on training from the step that is shown, in this page: with the lesson's own data and settings, as backtalk would on your machine.",
  speed: "How many steps Run takes before it draws again.",
  pace: "How fast Play goes on.",
  gradient: "∂ℒ/∂θ: how much the loss changes if θ changes a little. Positive means that a smaller θ lowers the loss.",
  "gradient-flow": "‖∇_W ℒ‖, how long the gradient of each layer's weights is. A layer whose curve lies far below the others hardly learns.",
  "gradient-profile":
    "‖∇_a ℒ‖ of each layer, over the mini-batch that was learned from last. The gradient comes from the last layer, on the right, and is passed on to the left: a line that falls to the left is a gradient that vanishes.",
  "side-loss": "The mean loss of the mini-batches since the last picture, each before its step, with the penalty and dropout of the side.",
  "side-score": "How good the network is on rows that it never learned from; if no row is held out, on the rows that it learned from.",
  "loss-plane":
    "The loss over a plane through the space of all weights and biases, as a map with contours. Each side's network is a point, and training is its path, from the circle to the disc. The plane shows two directions of many.",
  "plane-directions":
    "Of the paths: the two directions in which the networks moved most; two parameters are shown themselves. Random: drawn, and scaled so that each row has the size of that row of the weights (Li and others 2018).",
  "step-line":
    "The loss of the last mini-batch along the direction of the last step. At 0 the network stood before the step, at 1 it stands now. If the curve rises before 1, the step was too long for this mini-batch.",
  "dead-units": "Hidden units through which no gradient goes, for any training row: g′(a) is 0 for all of them.",
  "different-units": "Units of a layer that say the same of every row count as one: together they can do no more than one unit.",
  "flow-ratio": "The norm of the gradient at the first layer, divided by that at the last one. Far below 1 it vanishes on its way, far above 1 it explodes.",
  "log-scale": "Equal distances are equal factors: from 1 to 0.1 is as far as from 0.1 to 0.01.",
  saturated:
    "A saturated unit stands where its activation is nearly flat, so that hardly any gradient goes through it.",
  dead: "A dead unit says 0 for every example, so that no gradient goes through it and its weights stay as they are.",
  vanishing: "A gradient vanishes if it shrinks from layer to layer on its way back, until the first layers hardly learn.",
  exploding: "A gradient explodes if it grows from layer to layer on its way back, until the steps are far too long.",
  overfitting: "A network overfits if it gets better on the rows that it learns from, and worse on those that are held out.",
  underfitting: "A network underfits if it does badly even on the rows that it learns from.",
  diverged: "Training diverges if the numbers grow without end.",
  standardized: "Shifted and scaled, so that its mean is 0 and its standard deviation 1.",
  findings: "What is wrong with the network, in words, the first cause first.",
  example: "The row whose numbers the drawing shows. Training goes on with all training rows, whichever is shown.",
  "by-hand": "Set this number and see what the loss does. Put back undoes it, until a step is taken; Reset always. An input changes for the shown example only, and not in the data.",
  curve: "What the network says for each value of its one input. The points are the rows; the black line is the error of the shown example.",
  picture:
    "With two inputs, each unit shows what it says over the whole plane, and a ring where the example is. With images, each unit of the first layer shows its row of W₁: the pixels that it likes and dislikes.",
  histograms:
    "How the numbers of each layer are spread: every unit, for every row of the last mini-batch. Left of 0 is blue, right of it orange. Heights are square roots, so that a few numbers far out are seen too. Bars at both ends of a alone mean saturated units; a spike of ∇_a at 0 means that little is learned.",
  surface: "The plane of the two inputs. Its colour is what the network says at each place; the points are the rows.",
};

/** Words in sentences, and the terms that explain them; the longest first, so that they win. */
const WORDS: [RegExp, string][] = [
  [/mini-batch(es)?/i, "mini-batch"],
  [/held[- ]out/i, "held-out"],
  [/standardized/i, "standardized"],
  [/learning rate/i, "rate"],
  [/underfit\w*/i, "underfitting"],
  [/overfit\w*/i, "overfitting"],
  [/saturated/i, "saturated"],
  [/vanish\w*/i, "vanishing"],
  [/explod\w*/i, "exploding"],
  [/diverge[sd]?/i, "diverged"],
  [/gradients?/i, "gradient"],
  [/epochs?/i, "epoch"],
  [/dead\b/i, "dead"],
  [/dropout/i, "dropout"],
  [/L2 penalty/, "l2_penalty"],
];
const ANY = new RegExp(WORDS.map(([word]) => `\\b${word.source}`).join("|"), "gi");

/** A sentence as nodes, in which each term is explained where it comes first; `known`: those explained before. */
export function withTerms(sentence: string, known = new Set<string>()): (Node | string)[] {
  const nodes: (Node | string)[] = [];
  let from = 0;
  for (const match of sentence.matchAll(ANY)) {
    const key = WORDS.find(([word]) => new RegExp(`^(?:${word.source})$`, "i").test(match[0]))?.[1];
    if (!key || known.has(key)) continue;
    known.add(key);
    nodes.push(sentence.slice(from, match.index), term(match[0], key));
    from = match.index + match[0].length;
  }
  return [...nodes, sentence.slice(from)];
}

/** A word that is explained on hover and on focus. */
export function term(text: string, key: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "term";
  element.tabIndex = 0;
  element.dataset.hint = key;
  element.textContent = text;
  return element;
}
