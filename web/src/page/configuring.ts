// Data, network and training: asked for by hand or by the address, taken over from the server, or refused.

import type { Notice } from "../bar/notice";
import type { Configuration, Frame, Hello, Setup } from "../protocol";
import { Controls } from "../settings/controls";
import { Upload } from "../settings/upload";
import { configurationOf, isDoor, type State } from "./address";
import type { Page } from "./page";
import type { Training } from "./training";

export class Configuring {
  private readonly controls = new Controls(
    (configuration) => this.chosen(configuration),
    (rate) => this.rate(rate),
  );
  private readonly upload = new Upload((uploaded) => {
    this.controls.addFile(uploaded);
    if (this.page.state) this.chosen({ ...configurationOf(this.page.state), data: uploaded.data });
  });

  constructor(
    private readonly page: Page,
    private readonly training: Training,
    private readonly notice: Notice,
  ) {}

  offer(hello: Hello): void {
    this.upload.limit = hello.limits.upload_bytes;
    this.controls.offer(hello);
    if (hello.resumed && this.upload.uploaded) this.controls.addFile(this.upload.uploaded);
  }

  offers(data: string): boolean {
    return this.controls.has(data);
  }

  /** A state with its file sent once more, to a server that was started anew. */
  async withFile(state: State): Promise<State> {
    if (!state.data.startsWith("file:") || !(await this.upload.again())) return state;
    this.controls.addFile(this.upload.uploaded!);
    return { ...state, data: this.upload.uploaded!.data };
  }

  /** Asks for the network of a state, and for its example. */
  configure(state: State): void {
    this.training.halt();
    this.page.state = state;
    const configuration = configurationOf(state);
    this.controls.show(configuration);
    this.page.send({ type: "configure", ...configuration });
    if (state.example > 0) this.page.send({ type: "example", row: state.example });
  }

  begin(setup: Setup): void {
    this.takeOver(setup);
    this.controls.describe(setup);
  }

  showFrame(frame: Frame): void {
    this.controls.showRate(frame);
  }

  /** The settings go back to those of the network that is there; at the start, to those of the server. */
  refuse(message: string): void {
    const { state, setup, hello } = this.page;
    if (!state || !hello) return;
    if (setup) {
      this.takeOver(setup, true);
      this.page.note(false);
    } else {
      this.notice.say(`The address asks for something that does not exist: ${message}`, "warning");
      this.configure({ ...state, ...configurationOf(hello.start), example: 0 });
    }
    this.controls.refuse(message);
  }

  /** Chosen in the settings. */
  private chosen(configuration: Configuration): void {
    const { state } = this.page;
    if (!state) return;
    this.notice.clear(); // it was about what is changed now
    const example = configuration.data === state.data ? state.example : 0;
    const start = isDoor(state.start) ? "" : state.start; // no longer what is behind the door
    this.configure({ ...state, ...configuration, example, start });
    this.page.note(true);
  }

  private rate(rate: number): void {
    if (!this.page.state) return;
    this.page.state.rate = rate;
    this.page.note(false);
    this.page.send({ type: "rate", rate });
  }

  private takeOver(setup: Setup, all = false): void {
    const configuration = this.controls.simplified(setup.configuration);
    if (this.page.state) this.page.state = { ...this.page.state, ...configuration };
    this.controls.show(configuration, all);
  }
}
