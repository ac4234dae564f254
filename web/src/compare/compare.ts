// Side by side: two networks on the same data and mini-batches, instead of the one.

import type { Notice } from "../bar/notice";
import { find, offer, wide } from "../dom";
import { shortened } from "../names";
import type { Page } from "../page/page";
import { configurationOf } from "../page/address";
import type { Training } from "../page/training";
import type { Hello, PairFrame, PairSetup, Planes, Setup, Sides } from "../protocol";
import { Surface } from "../plots/surface";
import { unfoldWhereWide } from "../settings/unfold";
import { comparedOf, nameIn, OWN, readComparison, SIDES, writeComparison, type Compared } from "./address";
import { SideCurves } from "./curves";
import { differing, named, told } from "./difference";
import { Landscape } from "./landscape";
import { Prepared } from "./prepared";
import { Profile } from "./profile";
import { SideSettings } from "./settings";
import { Side } from "./side";
import { SideNumbers } from "./table";

const OWN_SPEED = 5;

export class Compare {
  private compared: Compared | null = null; // what was asked for last
  private setup: PairSetup | null = null;
  private frame: PairFrame | null = null;
  private waits = false; // a frame waits for the screen
  private goesOn = false; // the connection dropped and came back to the same pair, whose curves go on
  private missed = ""; // the comparison that an address named, and that does not exist
  private readonly view = find("compare");
  private readonly button = find("compare-open");
  private readonly settingsBox = find<HTMLDetailsElement>("compare-settings");
  private readonly speed = find<HTMLSelectElement>("compare-speed");
  private readonly prepared = new Prepared((name) => this.choose(name));
  private readonly settings = new SideSettings((sides) => this.ask({ name: OWN, ...sides }, true));
  private readonly sides = SIDES.map((name) => new Side(name));
  private readonly curves = new SideCurves();
  private readonly profile = new Profile(find<HTMLCanvasElement>("compare-flow"), find("compare-flow-keys"));
  private readonly landscape = new Landscape((directions) => this.page.send({ type: "plane", directions }));
  private readonly numbers = new SideNumbers(find("compare-numbers"));

  /** `left`: the one network is shown again. */
  constructor(
    private readonly page: Page,
    private readonly training: Training,
    private readonly notice: Notice,
    private readonly left: () => void,
  ) {
    find("compare-sides").prepend(...this.sides.map(({ element }) => element));
    offer(this.speed, ["1", "2", "5", "10", "20", "50"]);
    this.speed.addEventListener("change", () => this.page.send({ type: "speed", steps: Number(this.speed.value) }));
    document.addEventListener("visibilitychange", () => this.frame && this.isOpen && this.show(this.frame));
    unfoldWhereWide(this.settingsBox);
  }

  get isOpen(): boolean {
    return !this.view.hidden;
  }

  /** What the server offers; at the first greeting the address may ask for a comparison. */
  offer(hello: Hello): void {
    this.button.hidden = !hello.comparisons; // a lesson has none
    if (!hello.comparisons) return;
    this.goesOn = Boolean(hello.resumed && this.setup);
    this.settings.offer(hello);
    this.prepared.offer(hello.comparisons);
    if (!this.compared && nameIn(location.hash)) this.open(this.read(location.hash, hello));
    else if (this.compared) this.prepared.show(this.compared.name);
  }

  /** The lab's network is there: what is compared begins beside it. */
  askAgain(): void {
    if (this.isOpen && this.compared) this.send();
  }

  openOrClose(): void {
    const { hello } = this.page;
    if (!hello?.comparisons) return;
    if (this.isOpen) this.close();
    else this.ask(this.compared ?? comparedOf(hello.comparisons[0]!), true);
  }

  /** Back or forward to what an address says; whether that is a comparison. */
  goTo(fragment: string): boolean {
    const { hello } = this.page;
    if (!hello?.comparisons) return false;
    if (nameIn(fragment)) {
      this.ask(this.read(fragment, hello), false);
      return true;
    }
    if (this.isOpen) this.hide();
    return false;
  }

  begin(setup: PairSetup): void {
    this.setup = setup;
    this.frame = null;
    const [left, right] = setup.sides.map(({ configuration }) => simplified(configuration)) as [Setup["configuration"], Setup["configuration"]];
    const sides = { left, right };
    if (this.compared) this.compared = { ...this.compared, ...sides };
    this.settings.show(sides);
    const others = differing(sides);
    const differ = [left, right].map((configuration) => told(configuration, others));
    const names = SIDES.map((side, k) => named(side, differ[k]!));
    this.sides.forEach((side, k) => side.begin(setup.sides[k]!, differ[k]!));
    find("compare-legend").replaceChildren(...(setup.sides[0].points ? Surface.legend(setup.sides[0]) : []));
    this.curves.begin(setup, names, this.goesOn);
    this.profile.begin(names);
    this.goesOn = false; // what follows in this connection begins anew
    this.numbers.begin(setup, differ);
    this.landscape.begin();
    if (this.missed) this.notice.say(`There is no comparison named ${shortened(this.missed, 40)}.`, "note");
    this.missed = "";
    this.note(false);
    this.page.send({ type: "speed", steps: Number(this.speed.value) });
  }

  show(frame: PairFrame): void {
    this.frame = frame;
    this.curves.follow(frame);
    if (this.waits) return;
    const drawn = (): void => void this.page.send({ type: "drawn" });
    if (document.hidden) {
      drawn(); // nobody looks: training goes on without a picture
      return;
    }
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.paint();
      drawn();
    });
  }

  repaint(): void {
    if (!this.isOpen) return;
    for (const side of this.sides) side.redraw();
    this.curves.draw();
    this.profile.draw();
    this.landscape.draw();
  }

  showPlane(planes: Planes): void {
    if (this.isOpen) this.landscape.show(planes);
  }

  /** A plane is refused where it stands; of refused settings those come back of the networks that are there. */
  refuse(about: string, message: string): void {
    if (about === "plane") this.landscape.refuse(message);
    else if (this.setup) {
      const [left, right] = this.setup.sides.map(({ configuration }) => simplified(configuration)) as [Setup["configuration"], Setup["configuration"]];
      this.compared = { name: this.compared?.name ?? OWN, left, right };
      this.settings.show({ left, right }, true);
      this.note(false);
      this.settings.refuse(message);
    } else {
      this.hide();
      this.compared = null; // else it would be asked for again
      this.page.note(false);
      this.notice.say(`The address asks for a comparison that does not exist: ${message}`, "warning");
    }
  }

  private paint(): void {
    const { frame, setup } = this;
    if (!frame || !setup || !this.isOpen) return;
    frame.sides.forEach((side, k) => this.sides[k]!.show(side));
    this.curves.show(frame);
    this.profile.show(frame.sides);
    this.numbers.show(frame.sides);
    this.landscape.follow(frame);
    find("compare-step").textContent = `step ${frame.step}, epoch ${Math.max(...frame.sides.map(({ epoch }) => epoch)).toFixed(1)}`;
    document.documentElement.dataset.step = String(frame.step);
  }

  private choose(name: string): void {
    const { hello, state } = this.page;
    const prepared = hello?.comparisons?.find((each) => each.name === name);
    this.view.classList.toggle("own", !prepared);
    if (prepared) this.ask(comparedOf(prepared), true);
    else if (state) {
      this.ask({ name: OWN, left: configurationOf(state), right: configurationOf(state) }, true);
      this.settingsBox.open = true; // there is nothing to see before one of them is changed
      if (!wide.matches) this.settingsBox.scrollIntoView();
    }
  }

  /** What a fragment asks for; if it does not exist, the first of those that are prepared. */
  private read(fragment: string, hello: Hello): Compared {
    const found = readComparison(fragment, hello);
    if (found) return found;
    this.missed = nameIn(fragment);
    return comparedOf(hello.comparisons![0]!);
  }

  /** Asks the server for a comparison. `byHand`: the back button takes it back. */
  private ask(compared: Compared, byHand: boolean): void {
    this.open(compared);
    if (byHand) this.note(true);
    this.notice.clear(); // it was about what is changed now
    this.send();
  }

  private open(compared: Compared): void {
    const other = this.compared?.name !== compared.name;
    this.compared = compared;
    this.view.hidden = false;
    document.body.classList.add("comparing");
    this.button.textContent = "One network";
    this.page.comparison = writeComparison(compared);
    this.prepared.show(compared.name);
    this.settings.show(compared);
    if (other) this.landscape.open(this.looksAt(compared.name, "plane"));
    if (other) this.speed.value = String(this.page.hello?.comparisons?.find(({ name }) => name === compared.name)?.speed ?? OWN_SPEED);
  }

  private looksAt(name: string, part: string): boolean {
    return this.page.hello?.comparisons?.find((each) => each.name === name)?.look.includes(part) ?? false;
  }

  private send(): void {
    const { compared } = this;
    this.training.halt();
    if (compared) this.page.send({ type: "compare", left: compared.left, right: compared.right });
  }

  private close(): void {
    this.hide();
    this.page.note(true);
  }

  /** The one network comes back as it was. */
  private hide(): void {
    this.view.hidden = true;
    document.body.classList.remove("comparing");
    this.button.textContent = "Side by side";
    this.page.comparison = "";
    this.setup = this.frame = null;
    this.training.halt();
    this.page.send({ type: "alone" });
    this.training.speed();
    this.left();
  }

  private note(step: boolean): void {
    if (!this.compared || !this.isOpen) return;
    this.page.comparison = writeComparison(this.compared);
    this.page.note(step);
  }
}

/** With one activation where all layers have the same. */
function simplified(configuration: Sides["left"]): Sides["left"] {
  const { activation } = configuration;
  if (typeof activation === "string" || activation.some((each) => each !== activation[0])) return configuration;
  return { ...configuration, activation: activation[0] ?? "tanh" };
}
