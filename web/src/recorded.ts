// A lesson, which answers the page as the lab's server does: its recorded steps, and those that the page takes itself.

import type { Lab, Listener } from "./connection";
import { Recording, type Facts } from "./lesson/recording";
import { isRecorded, Trained } from "./lesson/trained";
import { unpack, type Packed } from "./lesson/unpack";
import type { Findings, Received, Sent } from "./protocol";

const FORMAT = 1; // the newest that this page reads
const PAUSE = 50; // milliseconds at least between two frames: 20 steps a second at the lowest speed
const SLICE = 0.05; // seconds of training, after which a frame is due whatever was asked for

/** The lesson in this page, if it holds one. */
export function packedLesson(): Packed | null {
  const element = document.getElementById("lesson");
  if (!element) return null;
  try {
    return JSON.parse(element.textContent) as Packed;
  } catch {
    return { format: FORMAT, version: "", deflated: "" }; // which cannot be unpacked
  }
}

const NOT_DIAGNOSED: Findings = {
  type: "findings",
  healthy: true,
  findings: [],
  said: "Only recorded steps were diagnosed: this network was trained on in this page.",
};

export class Recorded implements Lab {
  private recording: Recording | null = null;
  private step = 0;
  private row = 0;
  private running = false;
  private speed = 1;
  private at: number | null = null; // the slide of the walk that is shown
  private waits = false; // for the page to draw the last frame
  private lastFrame = 0;
  private trained: Trained | null = null; // the network that this page trains on
  private asked = 0; // how often one was asked for

  constructor(
    private readonly packed: Packed,
    private readonly listener: Listener,
  ) {}

  open(): void {
    void this.begin();
  }

  get connected(): boolean {
    return this.recording !== null;
  }

  send(message: Sent): boolean {
    if (!this.recording) return false;
    const { recording } = this;
    queueMicrotask(() => this.answer(message, recording)); // as from a server: after what is under way
    return true;
  }

  private async begin(): Promise<void> {
    const { format, version, deflated } = this.packed;
    if (!(format <= FORMAT)) {
      const said = `This lesson was made by backtalk ${version}, in format ${format}, and this page reads formats up to ${FORMAT}: export it anew.`;
      this.listener.refused(said);
      return;
    }
    try {
      this.recording = new Recording(await unpack<Facts>(deflated));
    } catch {
      this.listener.refused("This lesson is damaged: its recording cannot be unpacked. Save or export it anew.");
      return;
    }
    const { hello } = this.recording.facts;
    this.row = this.recording.rows.includes(hello.start.example ?? -1) ? hello.start.example! : this.recording.rows[0]!;
    this.listener.message({ ...hello, recorded: { steps: this.recording.last, rows: this.recording.rows, trains: !("why" in this.recording.facts.training) } });
  }

  private answer(message: Sent, recording: Recording): void {
    switch (message.type) {
      case "configure":
        this.running = false;
        if (!isRecorded(recording, message)) {
          void this.train("configure", Trained.anew(recording, message));
          break;
        }
        this.forget();
        this.tell(recording.setup);
        this.go(0);
        break;
      case "train":
        void this.train("train", Trained.from(recording, this.step), () => (this.running = true));
        break;
      case "rate":
        if (this.trained) this.trained.setRate(message.rate);
        else void this.train("rate", Trained.from(recording, this.step), (trained) => trained.setRate(message.rate));
        break;
      case "drawn":
        this.waits = false;
        if (this.running) this.playOn(recording);
        break;
      case "run":
        this.running = true;
        this.walk(null, recording);
        if (!this.trained && this.step === recording.last) this.step = 0;
        this.show();
        break;
      case "pause":
        this.running = false;
        this.show();
        break;
      case "step":
        this.running = false;
        this.walk(null, recording);
        this.takeStep(recording);
        break;
      case "goto":
        this.running = false;
        this.leave(recording);
        this.go(Math.max(0, Math.min(recording.last, message.step)));
        this.walk(this.at, recording);
        break;
      case "reset":
        this.running = false;
        this.walk(null, recording);
        if (this.trained && !isRecorded(recording, this.trained.setup.configuration)) {
          void this.train("reset", Trained.anew(recording, this.trained.setup.configuration));
          break;
        }
        this.leave(recording);
        this.go(0);
        break;
      case "slide":
        this.running = false;
        this.walk(message.at, recording);
        break;
      case "look":
        break; // there is what was recorded
      case "speed":
        this.speed = message.steps;
        break;
      case "example":
        if (recording.rows.includes(message.row)) {
          this.row = message.row;
          this.show();
          this.walk(this.at, recording);
        } else this.complain(message.type, `The lesson holds the examples ${listed(recording.rows)}.`);
        break;
      case "explain": {
        const explained = this.trained
          ? this.trained.explained(this.row, message.quantity)
          : recording.explained(this.step, this.row, message.quantity);
        if (typeof explained === "string") this.complain(message.type, explained);
        else this.tell(explained);
        break;
      }
      case "diagnose":
        this.tell(this.trained ? NOT_DIAGNOSED : recording.findings(this.step));
        break;
      default:
        this.complain(message.type, "This is a recording: it cannot be changed. The lab itself can: backtalk lab.");
    }
  }

  /** Shows a slide of the walk through this step; beyond the last one comes the next step. */
  private walk(at: number | null, recording: Recording): void {
    const was = this.at;
    this.at = null;
    if (at === null) {
      if (was !== null) this.tell({ type: "slide", at: null });
      return;
    }
    const found = this.trained ? this.trained.slide(this.row, at) : recording.slide(this.step, this.row, at);
    if (typeof found === "string") {
      this.tell({ type: "slide", at: null });
      this.complain("slide", found);
    } else if (found.slide) {
      this.at = at;
      this.tell(found.slide);
    } else if (at >= found.count && this.takeStep(recording)) this.walk(0, recording);
    else this.tell({ type: "slide", at: null });
  }

  /** The next step, recorded or taken; false if there is none. */
  private takeStep(recording: Recording): boolean {
    if (this.trained) {
      this.trained.advance(1, Infinity);
      this.showTrained();
      return !this.trained.stopped;
    }
    if (this.step === recording.last) {
      this.end(recording);
      return false;
    }
    this.go(this.step + 1);
    return true;
  }

  private playOn(recording: Recording): void {
    const { trained } = this;
    const wait = trained ? 0 : Math.max(0, PAUSE - (performance.now() - this.lastFrame));
    setTimeout(() => {
      if (!this.running || this.waits || this.trained !== trained) return;
      if (trained) {
        trained.advance(this.speed, SLICE);
        this.showTrained();
        return;
      }
      this.step = Math.min(recording.last, this.step + this.speed);
      if (this.step === recording.last) this.end(recording);
      else this.show();
    }, wait);
  }

  /** The network that was trained on, and why it cannot go on. */
  private showTrained(): void {
    const { stopped } = this.trained!;
    if (stopped) this.running = false;
    this.show();
    if (stopped) this.tell({ type: "stopped", message: stopped });
  }

  /** Shows a network of this page instead of the recording, unless it has been asked for another one meanwhile. */
  private async train(about: string, coming: Promise<Trained>, begin: (trained: Trained) => void = () => undefined): Promise<void> {
    const asked = ++this.asked;
    try {
      const trained = await coming;
      if (asked === this.asked) this.forget();
      else {
        trained.end();
        return;
      }
      this.trained = trained;
      begin(trained);
      this.tell(trained.setup);
      this.show();
    } catch (error) {
      this.complain(about, (error as Error).message);
    }
  }

  /** Back to the recording. */
  private leave(recording: Recording): void {
    if (!this.trained) return;
    this.forget();
    this.tell(recording.setup);
  }

  /** The network that was trained here, if there is one, and what was asked for; its memory is given back. */
  private forget(): void {
    this.asked += 1;
    this.trained?.end();
    this.trained = null;
    this.at = null;
  }

  private go(step: number): void {
    this.step = step;
    this.show();
  }

  private end(recording: Recording): void {
    this.running = false;
    this.show();
    const on = "why" in recording.facts.training ? "" : " Train on goes further.";
    const ends = `The recording ends after ${recording.last} steps.${on}`;
    this.tell({ type: "stopped", message: recording.facts.stopped || ends });
  }

  private show(): void {
    this.waits = true;
    this.lastFrame = performance.now();
    this.listener.frame(this.trained ? this.trained.frame(this.row, this.running) : this.recording!.frame(this.step, this.row, this.running));
  }

  private complain(about: string, message: string): void {
    this.tell({ type: "error", about, message });
  }

  private tell(message: Received): void {
    this.listener.message(message);
  }
}

/** Rows from 0 as examples from 1, in words. */
function listed(rows: number[]): string {
  const numbers = rows.map((row) => String(row + 1));
  return numbers.length === 1 ? numbers[0]! : `${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
}
