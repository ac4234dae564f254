// The parts of the page, and which of them hears what: settings → server → frames → drawing.

import { Notice } from "./bar/notice";
import { Timeline } from "./bar/timeline";
import { ByHand } from "./by_hand";
import { Compare } from "./compare/compare";
import type { Lab, Listener } from "./connection";
import { find } from "./dom";
import { Exercises } from "./exercise";
import { clearFindings, showFindings } from "./findings";
import { tellLesson } from "./lesson/about";
import { shortened } from "./names";
import { Drawing } from "./network/drawing";
import { Configuring } from "./page/configuring";
import { Explaining } from "./page/explaining";
import { Navigation } from "./page/navigation";
import { Page } from "./page/page";
import { Shown } from "./page/shown";
import { Training } from "./page/training";
import type { Frame, Hello, PairFrame, Received, Setup, Slide } from "./protocol";
import { Screen } from "./screen";
import { SaveLesson } from "./settings/save_lesson";
import { onTheme } from "./theme";
import { Walk } from "./walk/walk";

export class App {
  readonly training: Training;
  readonly shown: Shown;
  readonly walk: Walk;
  readonly compare: Compare;
  private readonly page: Page;
  private readonly notice = new Notice();
  private readonly drawing: Drawing;
  private readonly byHand: ByHand;
  private readonly explaining: Explaining;
  private readonly configuring: Configuring;
  private readonly navigation: Navigation;
  private readonly screen: Screen;
  private readonly timeline: Timeline;
  private readonly exercises: Exercises;

  /** `connect`: to the lab's server, or to the steps that a lesson has recorded. */
  constructor(connect: (listener: Listener) => Lab) {
    const page = new Page(
      connect({
        message: (message) => this.receive(message),
        frame: (frame) => this.receiveFrame(frame),
        lost: (seconds) => this.lost(seconds),
        refused: (reason) => this.refused(reason),
      }),
    );
    this.page = page;
    this.drawing = new Drawing({
      open: (place) => void (this.walk.choose(place) || this.explaining.open(place)),
      close: () => this.explaining.close(),
      drag: (place, by) => this.byHand.drag(place, by, this.screen.frame),
      point: (place) => this.walk.pointedAt(place),
    });
    this.walk = new Walk((message) => page.send(message), {
      point: (marks) => this.drawing.lightTerm(marks),
      trail: (terms) => this.drawing.lightSum(terms),
    });
    this.byHand = new ByHand((quantity, value) => page.send({ type: "set", quantity, value }) && this.walk.again());
    this.training = new Training(page, this.notice);
    this.shown = new Shown(page, this.drawing);
    this.explaining = new Explaining(page, this.drawing, this.byHand);
    this.configuring = new Configuring(page, this.training, this.notice);
    this.compare = new Compare(page, this.training, this.notice, () => this.screen.repaint());
    this.navigation = new Navigation(page, this.configuring, this.shown, this.explaining, this.compare, this.notice);
    this.screen = new Screen(
      this.drawing,
      (row) => this.shown.example(row),
      () => page.send({ type: "drawn" }),
    );
    this.timeline = new Timeline((message) => page.send(message));
    this.exercises = new Exercises((message) => page.send(message));
    new SaveLesson(() => ({ example: String(page.state?.example ?? 0), color: page.state?.color ?? "", quantity: page.state?.quantity ?? "" }));
    onTheme(() => {
      this.screen.repaint();
      this.compare.repaint();
    });
  }

  start(): void {
    this.enable();
    this.notice.connecting();
    this.page.open();
  }

  closeSomething(): void {
    if (this.page.state?.quantity) this.explaining.close();
    else this.walk.leave();
  }

  private receive(message: Received): void {
    switch (message.type) {
      case "hello":
        this.greet(message);
        break;
      case "setup":
        this.begin(message);
        break;
      case "pair":
        this.compare.begin(message);
        break;
      case "plane":
        this.compare.showPlane(message);
        break;
      case "slide":
        this.showSlide(message.at === null ? null : message);
        break;
      case "derivation":
        this.explaining.show(message);
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
        this.training.halt();
        this.notice.say(message.message, "warning");
        break;
      case "error":
        this.complain(message.about, shortened(message.message, 600));
    }
  }

  /** The first message of a connection: what the server offers, and whether it still knows this page. */
  private greet(hello: Hello): void {
    this.page.hello = hello;
    this.timeline.offer(hello);
    this.exercises.offer(hello);
    this.compare.offer(hello);
    void this.navigation.greet(hello);
  }

  /** A network is there: every part forgets the one before. */
  private begin(setup: Setup): void {
    const { page } = this;
    page.setup = setup;
    this.notice.connected();
    this.configuring.begin(setup);
    this.timeline.begin(setup);
    if (page.hello?.recorded && page.state) tellLesson(page.hello, setup, page.state);
    this.byHand.begin(setup);
    const goesOn = page.hello?.resumed ?? false;
    this.screen.begin(setup, goesOn);
    if (page.hello) page.hello.resumed = false; // what follows in this connection begins anew
    this.shown.begin();
    this.walk.begin(setup);
    this.drawing.walk(null);
    clearFindings();
    page.note(false);
    this.training.speed();
    this.explaining.begin();
    this.enable();
    if (!goesOn) this.compare.askAgain();
    const door = this.navigation.takeDoor();
    if (door === "learn") this.training.runOrPause();
    else if (door === "walk") this.walk.next();
  }

  private receiveFrame(frame: Frame | PairFrame): void {
    this.training.showFrame(frame);
    if (frame.type === "pair_frame") this.compare.show(frame);
    else this.showFrame(frame);
  }

  private showFrame(frame: Frame): void {
    this.shown.showFrame(frame);
    this.timeline.show(frame.step);
    this.screen.show(frame);
    this.walk.showFrame(frame);
    this.configuring.showFrame(frame);
    this.explaining.showFrame(frame);
  }

  private showSlide(slide: Slide | null): void {
    if (slide) this.training.stopPlaying();
    const left = this.walk.slide !== null && slide === null;
    if (slide && slide.at !== this.walk.slide?.at) this.explaining.close(); // its paths would hide what the slide lights
    this.walk.show(slide);
    this.drawing.walk(slide);
    if (left) this.screen.repaint(); // the walk hid the charts: what they missed is drawn
  }

  /** Says what the server refused where it was asked for. */
  private complain(about: string, message: string): void {
    if (about === "configure" || about === "rate") this.configuring.refuse(message);
    else if (about === "explain") this.explaining.refuse(message);
    else if (about === "exercise" || about === "mark") this.exercises.refuse(message);
    else if (about === "compare" || about === "plane") this.compare.refuse(about, message);
    else if (about === "example") this.shown.refuseExample(message);
    else if (about !== "set" || !this.byHand.refuse(message)) this.notice.say(message, "warning");
  }

  private lost(seconds: number): void {
    this.training.halt();
    this.explaining.lost();
    this.enable();
    const what = this.page.setup ? "The connection to the lab dropped." : "There is no connection to the lab.";
    const again = seconds === 1 ? "It is tried again." : `It is tried again in ${seconds} seconds.`;
    this.notice.say(`${what} ${again} Is backtalk lab still running?`, "warning");
  }

  private refused(reason: string): void {
    this.enable();
    this.notice.say(reason, "warning");
  }

  private enable(): void {
    for (const id of ["run", "play", "step", "reset", "diagnose", "walk-on", "explain-go", "compare-open"]) find<HTMLButtonElement>(id).disabled = !this.page.ready;
  }
}
