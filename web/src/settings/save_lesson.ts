// Saves the first steps of the network that is configured as a lesson: one file that needs no server.

import { address } from "../connection";
import { find, say } from "../dom";

export class SaveLesson {
  private readonly button = find<HTMLButtonElement>("lesson-save");
  private readonly steps = find<HTMLInputElement>("lesson-steps");
  private readonly examples = find<HTMLInputElement>("lesson-examples");
  private readonly said = find("lesson-said");
  private readonly error = find("lesson-error");

  /** `state`: the example and what else the lesson should begin with. */
  constructor(state: () => Record<string, string>) {
    this.button.addEventListener("click", () => void this.save(state()));
  }

  private async save(state: Record<string, string>): Promise<void> {
    say(this.error, "");
    say(this.said, "It is recorded: this takes some seconds.");
    this.button.disabled = true;
    try {
      const answer = await fetch(address("/lesson", { ...state, steps: this.steps.value, examples: this.examples.value }));
      if (!answer.ok) throw new Error(((await answer.json().catch(() => ({}))) as { error?: string }).error ?? answer.statusText);
      const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "lesson.html";
      const file = await answer.blob();
      download(file, name);
      say(this.said, `${name} is saved: ${(file.size / 1e6).toFixed(1)} MB.`);
    } catch (error) {
      say(this.said, "");
      say(this.error, error instanceof TypeError ? "There is no connection to the lab." : (error as Error).message);
    } finally {
      this.button.disabled = false;
    }
  }
}

function download(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
