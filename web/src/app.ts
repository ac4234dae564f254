// What the page knows, and what follows from what: settings → server → frames → drawing.

import { COLOURS, configurationOf, isDoor, merged, readFragment, sameConfiguration, writeFragment, type Colour, type Door, type Start, type State } from "./address";
import { ByHand } from "./by_hand";
import type { Lab, Listener } from "./connection";
import { Controls } from "./controls";
import { DerivationPanel } from "./derivation";
import { find, say } from "./dom";
import { Exercises } from "./exercise";
import { clearFindings, showFindings } from "./findings";
import { tellLesson } from "./lesson/about";
import { Drawing } from "./network/drawing";
import { isPictured } from "./network/layout";
import { placeOf, quantityOf, type Place } from "./network/place";
import { Notice } from "./notice";
import { shortened } from "./names";
import { written } from "./numbers";
import { Play } from "./play";
import type { Configuration, Explained, Frame, Hello, Received, Sent, Setup, Slide } from "./protocol";
import { SaveLesson } from "./save_lesson";
import { Screen } from "./screen";
import { behind, StartCard } from "./start";
import { onTheme } from "./theme";
import { Timeline } from "./timeline";
import { Upload } from "./upload";
import { Walk } from "./walk";

export class App {
  private state: State | null = null; // null until the server said what it offers
  private setup: Setup | null = null;
  private hello: Hello | null = null;
  private running = false;
  private explainedAt: number | null = null;
  private askedAt: number | null = null; // how much had been set by hand when a derivation was asked for that is to come
  private looks = { maps: false, histograms: false }; // what was asked for last
  private door: Door | null = null; // what is to begin once its network is there
  private explaining: ReturnType<typeof setTimeout> | undefined;
  private readonly connection: Lab;
  private readonly notice = new Notice();
  private readonly drawing = new Drawing({
    open: (place) => this.open(place),
    close: () => this.closeDerivation(),
    drag: (place, by) => this.setup && this.byHand.drag(place, by, this.screen.frame, this.setup),
    point: (place) => this.walk.pointedAt(place),
  });
  readonly walk = new Walk((message) => this.send(message), {
    point: (marks) => this.drawing.lightTerm(marks),
    trail: (terms) => this.drawing.lightSum(terms),
  });
  private readonly byHand = new ByHand((quantity, value) => this.set(quantity, value));
  private readonly play = new Play(() => this.send({ type: "step" }));
  private readonly startCard = new StartCard((start) => this.choose(start));
  private readonly screen = new Screen(
    this.drawing,
    (row) => this.showRow(row),
    () => this.send({ type: "drawn" }),
  );
  private readonly controls = new Controls(
    (configuration) => this.configure(configuration, true),
    (rate) => this.rate(rate),
  );
  private readonly panel = new DerivationPanel({
    explain: (quantity) => this.explain(quantity, true),
    close: () => this.closeDerivation(),
    lightPath: (path) => this.drawing.lightOne(path),
  });
  private readonly exercises = new Exercises((message) => this.send(message));
  private readonly timeline = new Timeline((message) => this.send(message));
  private readonly upload = new Upload((uploaded) => {
    this.controls.addFile(uploaded);
    if (this.state) this.configure({ ...configurationOf(this.state), data: uploaded.data }, true);
  });

  /** `connect`: to the lab's server, or to the steps that a lesson has recorded. */
  constructor(connect: (listener: Listener) => Lab) {
    this.connection = connect({
      message: (message) => this.receive(message),
      frame: (frame) => this.receiveFrame(frame),
      lost: (seconds) => this.lost(seconds),
      refused: (reason) => this.refused(reason),
    });
  }

  start(): void {
    new SaveLesson(() => ({ example: String(this.state?.example ?? 0), color: this.state?.color ?? "", quantity: this.state?.quantity ?? "" }));
    onTheme(() => this.screen.repaint());
    addEventListener("popstate", () => this.goTo(readFragment(location.hash)));
    find("histograms").addEventListener("toggle", () => this.look());
    this.enable();
    this.connection.open();
  }

  speed(): void {
    this.send({ type: "speed", steps: Number(find<HTMLSelectElement>("speed").value) });
  }

  playOrPause(): void {
    if (this.play.playing) this.pausePlay();
    else if (this.setup) {
      this.running = false;
      this.showRunning();
      this.play.start();
    }
  }

  private pausePlay(): void {
    this.play.stop();
    this.diagnose();
  }

  runOrPause(): void {
    if (this.play.playing) this.play.stop();
    const run = !this.running;
    if (!this.send({ type: run ? "run" : "pause" })) return;
    this.running = run;
    this.showRunning();
    if (!run) this.diagnose();
  }

  step(): void {
    this.send({ type: "step" });
  }

  reset(): void {
    this.play.stop();
    clearFindings();
    this.notice.clear(); // it may say why the training before stopped
    this.send({ type: "reset" });
  }

  diagnose(): void {
    this.send({ type: "diagnose" });
  }

  example(by: number): void {
    if (!this.setup || !this.state) return;
    const { shown, rows } = this.setup;
    if (!shown) this.showRow((this.state.example + by + rows) % rows);
    else this.showRow(shown[(shown.indexOf(this.state.example) + by + shown.length) % shown.length]!);
  }

  otherColour(): void {
    const offered = COLOURS.filter((color) => color !== "picture" || this.hasPictures);
    this.colourBy(offered[(offered.indexOf(this.state?.color ?? "value") + 1) % offered.length]!);
  }

  closeSomething(): void {
    if (this.state?.quantity) this.closeDerivation();
    else this.walk.leave();
  }

  private send(message: Sent): boolean {
    return this.connection.send(message);
  }

  private receive(message: Received): void {
    switch (message.type) {
      case "hello":
        void this.greet(message);
        break;
      case "setup":
        this.begin(message);
        break;
      case "slide":
        if (message.at !== null) this.play.stop();
        this.showSlide(message.at === null ? null : message);
        break;
      case "derivation":
        this.showDerivation(message);
        break;
      case "findings":
        showFindings(message);
        break;
      case "exercise":
        this.exercises.show(message);
        break;
      case "marks":
        this.exercises.mark(message);
        break;
      case "stopped":
        this.play.stop();
        this.running = false;
        this.showRunning();
        this.notice.say(message.message, "warning");
        break;
      case "error":
        this.complain(message.about, message.message);
    }
  }

  /** The first message of a connection: what the server offers, and whether it still knows this page. */
  private async greet(hello: Hello): Promise<void> {
    const before = this.state;
    this.hello = hello;
    if (!hello.resumed) this.looks = { maps: false, histograms: false };
    this.upload.limit = hello.limits.upload_bytes;
    this.timeline.offer(hello);
    this.controls.offer(hello);
    if (hello.resumed && before) {
      if (this.upload.uploaded) this.controls.addFile(this.upload.uploaded);
      this.notice.clear();
      return; // setup and a frame follow by themselves
    }
    let state: State = before ?? firstState(hello);
    if (before) {
      this.notice.say("The lab was restarted, so training begins anew.", "note");
      if (before.data.startsWith("file:") && (await this.upload.again())) {
        state = { ...before, data: this.upload.uploaded!.data };
        this.controls.addFile(this.upload.uploaded!);
      }
    }
    if (!this.controls.has(state.data)) {
      const what = state.data.startsWith("file:") ? "A file of yours cannot be in an address: choose it again under Data." : `There is no data named ${shortened(state.data, 40)} here.`;
      this.notice.say(`${what} The lab begins with ${hello.start.data}.`, "note");
      state = { ...state, data: hello.start.data };
    } else if (!before) {
      this.notice.clear();
    }
    this.state = state;
    this.exercises.offer(hello);
    this.startCard.show(state.start);
    if (!before && isDoor(state.start)) this.door = state.start;
    this.configure(configurationOf(state), false);
    if (state.example > 0) this.send({ type: "example", row: state.example });
  }

  /** The start card: open it, close it, or go through a door. */
  private choose(start: Start): void {
    if (!this.state || !this.hello) return;
    this.startCard.show(start);
    if (!isDoor(start)) {
      this.state.start = start;
      this.note(false);
      return;
    }
    this.state = behind(start, this.state);
    this.door = start;
    this.configure(configurationOf(this.state), false);
    this.send({ type: "example", row: 0 });
    this.note(true);
  }

  /** What a door leads to begins, now that its network is there. */
  private goThrough(): void {
    const { door } = this;
    this.door = null;
    if (door === "learn") this.runOrPause();
    else if (door === "walk") this.walk.next();
  }

  private configure(configuration: Configuration, byHand: boolean): void {
    if (!this.state) return;
    const other = byHand && configuration.data !== this.state.data;
    this.play.stop();
    this.state = { ...this.state, ...configuration, example: other ? 0 : this.state.example };
    if (byHand && isDoor(this.state.start)) this.state.start = ""; // no longer what is behind it
    this.controls.show(configuration);
    this.running = false;
    if (byHand) {
      this.notice.clear(); // it was about what is changed now
      this.note(true);
    }
    this.send({ type: "configure", ...configuration });
    if (byHand && this.state.example > 0) this.send({ type: "example", row: this.state.example });
  }

  private begin(setup: Setup): void {
    this.setup = setup;
    const configuration = this.controls.simplified(setup.configuration);
    if (this.state) this.state = { ...this.state, ...configuration };
    this.controls.show(configuration);
    this.controls.describe(setup);
    if (this.hello?.recorded && this.state) tellLesson(this.hello, setup, this.state);
    this.timeline.begin(setup);
    this.byHand.begin(setup);
    this.screen.begin(setup, this.hello?.resumed ?? false);
    if (this.hello) this.hello.resumed = false; // what follows in this connection begins anew
    find("color-picture").hidden = !this.hasPictures;
    if (this.state?.color === "picture" && !this.hasPictures) this.state.color = "value";
    this.drawing.colourBy(this.state?.color ?? "value");
    this.showColour();
    this.look();
    this.walk.begin(setup);
    this.drawing.walk(null);
    clearFindings();
    say(find("example-error"), "");
    this.explainedAt = null;
    this.note(false);
    this.speed();
    if (this.state?.quantity) this.explain(this.state.quantity, false);
    else this.closeDerivation();
    this.enable();
    if (this.door) this.goThrough();
  }

  private receiveFrame(frame: Frame): void {
    const before = this.screen.frame;
    const moved = before && (before.step !== frame.step || before.example.row !== frame.example.row);
    this.running = frame.running;
    this.showRunning();
    if (this.state && this.state.example !== frame.example.row) {
      this.state.example = frame.example.row;
      this.note(false);
    }
    this.timeline.show(frame.step);
    this.screen.show(frame);
    this.walk.showFrame(frame);
    this.play.drawn();
    this.controls.showRate(frame);
    if (this.state?.quantity) this.byHand.choose(this.state.quantity, frame);
    this.byHand.show(frame, before);
    if (this.state?.quantity && this.explainedAt !== null && this.askedAt === null) {
      if (frame.running) this.panel.stale(this.explainedAt);
      else if (moved || this.explainedAt !== frame.step || before?.edits !== frame.edits) this.explainSoon();
    }
  }

  /** A number that was set by hand; the slide that is shown is then of that network. */
  private set(quantity: string, value: number): void {
    const { slide } = this.walk;
    if (this.send({ type: "set", quantity, value }) && slide) this.send({ type: "slide", at: slide.at });
  }

  private showRunning(): void {
    const text = this.running ? "Pause" : "Run";
    const button = find("run");
    if (button.textContent !== text) button.textContent = text;
    button.classList.toggle("on", this.running);
  }

  showRow(row: number): void {
    if (!this.setup || !Number.isInteger(row)) return;
    say(find("example-error"), "");
    this.send({ type: "example", row });
  }

  colourBy(color: Colour): void {
    if (!this.state) return;
    this.state.color = color;
    this.showColour();
    this.drawing.colourBy(color);
    this.look();
    this.note(false);
  }

  /** Whether units can show pictures; a lesson has recorded no maps. */
  private get hasPictures(): boolean {
    const { setup } = this;
    return setup !== null && setup.network.sizes.some((_, layer) => isPictured(setup, layer)) && !(setup.bounds && this.hello?.recorded);
  }

  /** Asks for what the page shows beside the numbers, and for no more. */
  private look(): void {
    const maps = this.state?.color === "picture" && Boolean(this.setup?.bounds);
    const histograms = find<HTMLDetailsElement>("histograms").open;
    if (this.looks.maps === maps && this.looks.histograms === histograms) return;
    if (this.send({ type: "look", maps, histograms })) this.looks = { maps, histograms };
  }

  private showColour(): void {
    for (const input of document.querySelectorAll<HTMLInputElement>("input[name=color]")) {
      input.checked = input.value === this.state?.color;
    }
  }

  private rate(rate: number): void {
    if (!this.state) return;
    this.state.rate = rate;
    this.note(false);
    this.send({ type: "rate", rate });
  }

  private showSlide(slide: Slide | null): void {
    const left = this.walk.slide !== null && slide === null;
    if (slide && slide.at !== this.walk.slide?.at) this.closeDerivation(); // its paths would hide what the slide lights
    this.walk.show(slide);
    this.drawing.walk(slide);
    if (left) this.screen.repaint(); // the walk hid the charts: what they missed is drawn
  }

  private open(place: Place): void {
    if (this.walk.choose(place)) return;
    if (this.setup) this.explain(quantityOf(place, this.setup.network.sizes.length - 1), true);
  }

  private explain(quantity: string, byHand: boolean): void {
    if (!this.state || !this.setup) return;
    const other = this.state.quantity !== quantity;
    this.state.quantity = quantity;
    this.panel.expect(quantity);
    this.byHand.choose(quantity, this.screen.frame);
    this.askedAt = this.screen.frame?.edits ?? 0;
    if (other || byHand) this.drawing.select(placeOf(quantity, this.setup.network.sizes.length - 1));
    if (byHand && other) this.note(true);
    this.send({ type: "explain", quantity });
  }

  /** Once the steps of a recording no longer pass by quickly. */
  private explainSoon(): void {
    clearTimeout(this.explaining);
    const explain = (): void => {
      if (this.state?.quantity) this.explain(this.state.quantity, false);
    };
    if (this.hello?.recorded) this.explaining = setTimeout(explain, 100);
    else explain();
  }

  private showDerivation(explained: Explained): void {
    const { askedAt } = this;
    this.askedAt = null;
    if (!this.setup || !this.state?.quantity) return;
    const place = placeOf(explained.quantity, this.setup.network.sizes.length - 1);
    this.explainedAt = explained.step ?? this.screen.frame?.step ?? 0;
    this.drawing.select(place);
    this.drawing.lightPaths(explained.paths);
    this.panel.show(explained, place, this.setup);
    const value = explained.values.at(explained.derivation.left);
    const said = typeof value === "number" ? ` is ${written(value, 6)}` : "";
    find("selected").textContent = `The gradient by ${explained.quantity}${said}. Its derivation stands below the drawing.`;
    if (this.running) this.panel.stale(this.explainedAt);
    else if (askedAt !== null && askedAt !== this.screen.frame?.edits) this.explain(explained.quantity, false); // more was set meanwhile
  }

  private closeDerivation(): void {
    const open = Boolean(this.state?.quantity);
    if (this.state) this.state.quantity = "";
    this.explainedAt = null;
    this.askedAt = null;
    this.panel.clear();
    this.byHand.choose("", null);
    this.drawing.select(null);
    if (open) this.note(true);
  }

  private complain(about: string, whole: string): void {
    const message = shortened(whole, 600);
    if (about === "configure" || about === "rate") this.refuseSettings(message);
    else if (about === "explain") {
      this.explainedAt = this.askedAt = null;
      this.drawing.select(null);
      this.panel.refuse(message);
    } else if (about === "exercise" || about === "mark") this.exercises.refuse(message);
    else if (about === "set" && this.byHand.refuse(message)) return;
    else if (about === "example") say(find("example-error"), this.setup && !this.setup.shown ? `There are the examples 1 to ${this.setup.rows}.` : message);
    else this.notice.say(message, "warning");
  }

  /** The settings go back to those of the network that is there; at the start, to those of the server. */
  private refuseSettings(message: string): void {
    if (!this.state || !this.hello) return;
    if (this.setup) {
      const configuration = this.controls.simplified(this.setup.configuration);
      this.state = { ...this.state, ...configuration };
      this.controls.show(configuration, true);
      this.note(false);
    } else {
      this.state = { ...this.state, ...configurationOf(this.hello.start), example: 0 };
      this.notice.say(`The address asks for something that does not exist: ${message}`, "warning");
      this.configure(configurationOf(this.state), false);
    }
    this.controls.refuse(message);
  }

  /** Writes the state into the address; `step` makes a step that the back button takes back. */
  private note(step: boolean): void {
    if (!this.state) return;
    const fragment = writeFragment(this.state);
    if (fragment === location.hash) return;
    history[step ? "pushState" : "replaceState"](null, "", fragment);
  }

  private goTo(said: Partial<State>): void {
    if (!this.state || !this.setup) return;
    const next = merged(this.state, said);
    const { example, color, quantity, start } = next;
    this.state.start = start;
    this.startCard.show(start);
    if (!sameConfiguration(next, this.state)) {
      this.state = { ...next };
      this.configure(configurationOf(next), false);
      if (example > 0) this.send({ type: "example", row: example });
      return;
    }
    if (color !== this.state.color) this.colourBy(color);
    if (example !== this.state.example) this.showRow(example);
    if (quantity === this.state.quantity) return;
    if (quantity) this.explain(quantity, false);
    else this.closeDerivation();
  }

  private lost(seconds: number): void {
    this.running = false;
    this.play.stop();
    this.askedAt = null;
    this.showRunning();
    this.enable();
    const what = this.setup ? "The connection to the lab dropped." : "There is no connection to the lab.";
    const again = seconds === 1 ? "It is tried again." : `It is tried again in ${seconds} seconds.`;
    this.notice.say(`${what} ${again} Is backtalk lab still running?`, "warning");
  }

  private refused(reason: string): void {
    this.enable();
    this.notice.say(reason, "warning");
  }

  private enable(): void {
    const ready = this.connection.connected && this.setup !== null;
    for (const id of ["run", "play", "step", "reset", "diagnose", "walk-on", "explain-go"]) find<HTMLButtonElement>(id).disabled = !ready;
  }
}

/** What the address says, and else what the server, or the lesson, begins with; the start card if it says nothing. */
function firstState({ start, recorded }: Hello): State {
  const said = readFragment(location.hash);
  if (location.hash.length < 2 && start.data !== "given" && !recorded) said.start = "open";
  const plain: State = { example: 0, color: "value", quantity: "", start: "", ...start };
  const first = said.start && isDoor(said.start) ? behind(said.start, plain) : plain;
  return merged(first, { ...said, quantity: said.quantity || first.quantity });
}
