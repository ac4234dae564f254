// An exercise sheet as a form: each answer is marked as soon as it is whole, and the likely mistake is named.

import { find, make, namePicture, offer, say } from "./dom";
import { formula } from "./formula";
import type { Answer, Asked, Hello, Marks, Question, Sent, Sheet } from "./protocol";

const SIGNS: Record<string, string> = { right: "✓ right", follows: "✓ follows", wrong: "✗ wrong", unreadable: "? unreadable" };
const FIRST: Asked = { seed: 1, sizes: [2, 2, 2], activation: "leaky_relu(slope=0.5)", also: false };

/** The fields of a question, and what is said of its answer. */
interface Field {
  question: Question;
  inputs: HTMLInputElement[];
  said: HTMLElement;
}

export class Exercises {
  private readonly dialog = find<HTMLDialogElement>("exercise");
  private readonly sheet = find("exercise-sheet");
  private readonly error = find("exercise-error");
  private readonly seed = find<HTMLInputElement>("exercise-seed");
  private readonly sizes = find<HTMLSelectElement>("exercise-sizes");
  private readonly activation = find<HTMLSelectElement>("exercise-activation");
  private readonly also = find<HTMLInputElement>("exercise-also");
  private asked: Asked | null = null;
  private fields: Field[] = [];

  constructor(private readonly send: (message: Sent) => boolean) {
    find("exercise-open").addEventListener("click", () => {
      this.dialog.showModal();
      if (!this.asked) this.ask(FIRST);
    });
    find("exercise-close").addEventListener("click", () => this.dialog.close());
    for (const control of [this.seed, this.sizes, this.activation, this.also]) {
      control.addEventListener("change", () => this.ask(this.chosen()));
    }
  }

  /** Only where there is a server, which has the key. */
  offer(hello: Hello): void {
    find("exercise-field").hidden = hello.recorded !== undefined;
  }

  show(message: Sheet): void {
    const { exercise, offered } = message;
    this.asked = exercise;
    say(this.error, "");
    offer(this.sizes, offered.sizes.map((sizes) => sizes.join(",")), offered.sizes.map((sizes) => sizes.join(" – ")));
    offer(this.activation, offered.activations);
    this.seed.value = String(exercise.seed);
    this.sizes.value = exercise.sizes.join(",");
    this.activation.value = exercise.activation;
    this.also.checked = exercise.also;
    this.fields = [];
    let number = 0;
    const parts = message.blocks.map((block) => {
      switch (block.kind) {
        case "heading":
          return make("h3", { textContent: block.text });
        case "words":
          return make("p", {}, ...block.parts.map((part, k) => (k % 2 ? formula(part, false) : part)));
        case "drawing":
          return drawn(block.said, block.size, block.svg);
        case "given":
          return make("div", { className: "given" }, ...block.latex.map((latex) => formula(latex, false)));
        case "questions":
          return make("div", { className: "asked" }, ...block.questions.map((question) => this.field(question, ++number)));
      }
    });
    this.sheet.replaceChildren(...parts);
    say(find("exercise-score"), "");
    find("exercise-mistakes").replaceChildren();
  }

  mark(message: Marks): void {
    if (JSON.stringify(message.exercise) !== JSON.stringify(this.asked)) return; // of a sheet before
    say(this.error, "");
    const marks = new Map(message.rows.map((row) => [row.name, row]));
    for (const { question, said } of this.fields) {
      const row = marks.get(question.name);
      say(said, row ? [SIGNS[row.verdict] ?? row.verdict, row.said].filter(Boolean).join(": ") : "");
      said.className = `said ${row?.verdict ?? ""}`;
    }
    say(find("exercise-score"), `${message.right} of ${this.fields.length} right`);
    const told = message.mistakes.map(({ said, formula: rule, advice }) =>
      make(
        "div",
        { className: "mistake" },
        make("p", {}, make("b", { textContent: "Likely mistake: " }), said),
        make("p", { className: "quiet small", textContent: `The formula: ${rule}` }),
        make("p", { className: "quiet small", textContent: `To do: ${advice}` }),
      ),
    );
    find("exercise-mistakes").replaceChildren(...told);
  }

  refuse(message: string): void {
    say(this.error, message);
  }

  private chosen(): Asked {
    const sizes = this.sizes.value.split(",").map(Number);
    return { seed: Math.round(Number(this.seed.value)), sizes, activation: this.activation.value, also: this.also.checked };
  }

  private ask(exercise: Asked): void {
    if (!this.send({ type: "exercise", exercise })) this.refuse("There is no connection to the lab.");
  }

  private field(question: Question, number: number): HTMLElement {
    const [rows = 1, columns = 1] = question.shape;
    const said = make("span", { className: "said", hidden: true });
    const inputs = Array.from({ length: rows * columns }, (_, k) => {
      const [row, column] = [Math.floor(k / columns) + 1, (k % columns) + 1];
      const place = ["", `, row ${row}`, `, row ${row}, column ${column}`][question.shape.length];
      const input = make("input", { type: "text", maxLength: 60, size: 5, spellcheck: false, autocomplete: "off" });
      input.setAttribute("aria-label", `(${number}) ${question.name}${place}`);
      return input;
    });
    const field = { question, inputs, said };
    this.fields.push(field);
    for (const input of inputs) {
      input.addEventListener("change", () => this.answered(field));
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") this.next(input);
      });
    }
    const table = make("span", { className: question.shape.length ? "blanks array" : "blanks" });
    for (let row = 0; row < rows; row += 1) table.append(make("span", {}, ...inputs.slice(row * columns, (row + 1) * columns)));
    const line = make("span", { className: "line" }, `(${number})`, formula(`\\displaystyle ${question.latex}`, false), "=", table);
    return make("div", { className: "question" }, line, said);
  }

  private next(input: HTMLInputElement): void {
    const all = this.fields.flatMap(({ inputs }) => inputs);
    const next = all[all.indexOf(input) + 1];
    if (next) next.focus(); // what is left is marked
    else input.blur();
  }

  /** Marks all answers that are whole, since one may follow from another; what is changed and not whole is unmarked. */
  private answered(changed: Field): void {
    say(changed.said, "");
    const whole = this.fields.filter(({ inputs }) => inputs.every((input) => input.value.trim()));
    if (!this.asked || !whole.length) return;
    const answers = Object.fromEntries(whole.map((field) => [field.question.name, answerOf(field)]));
    if (!this.send({ type: "mark", exercise: this.asked, answers })) this.refuse("There is no connection to the lab.");
  }
}

/** The network, with the names of its units. */
function drawn(said: string, [width, height]: [number, number], svg: string): Node {
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" class="network">${svg}</svg>`;
  const found = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  namePicture(found, said);
  return document.importNode(found, true);
}

function answerOf({ question, inputs }: Field): Answer {
  const texts = inputs.map((input) => input.value);
  if (question.shape.length === 0) return texts[0] ?? "";
  const columns = question.shape[1];
  if (columns === undefined) return texts;
  return Array.from({ length: texts.length / columns }, (_, row) => texts.slice(row * columns, (row + 1) * columns));
}
