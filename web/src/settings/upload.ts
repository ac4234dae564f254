// The user's file: by button, or dropped on the page. The server reads it; here only its size is looked at.

import { address } from "../connection";
import { choose, find, make, offer, say } from "../dom";
import type { Uploaded } from "../protocol";

const KINDS = [".csv", ".parquet", ".npz"];

export class Upload {
  uploaded: Uploaded | null = null;
  limit = Infinity;
  private file: File | null = null;
  private chosen = ""; // the target, where the user named one; else the server takes the last column
  private readonly input = find<HTMLInputElement>("file");
  private readonly error = find("file-error");
  private readonly target = find<HTMLSelectElement>("target");

  constructor(private readonly done: (uploaded: Uploaded) => void) {
    find("file-open").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      const file = this.input.files?.[0];
      this.input.value = ""; // so that the same file can be chosen again after it was mended
      if (file) void this.take(file);
    });
    this.target.addEventListener("change", () => {
      if (this.file) void this.take(this.file, this.target.value);
    });
    this.dropOn(document.documentElement);
  }

  /** Sends the file once more, to a server that was started anew. Whether there was one and it was taken. */
  async again(): Promise<boolean> {
    if (!this.file) return false;
    return this.send(this.file, this.chosen);
  }

  private async take(file: File, target = ""): Promise<void> {
    const drop = find("drop");
    drop.classList.add("busy");
    if (await this.send(file, target)) this.done(this.uploaded!);
    drop.classList.remove("busy");
  }

  private async send(file: File, target: string): Promise<boolean> {
    say(this.error, "");
    if (!KINDS.some((kind) => file.name.toLowerCase().endsWith(kind))) {
      return this.refuse(`${file.name} is none of .csv, .parquet and .npz.`);
    }
    if (file.size > this.limit) {
      return this.refuse(`${file.name} has ${megabytes(file.size)}, and the lab takes at most ${megabytes(this.limit)}.`);
    }
    const where = address("/upload", { name: file.name, ...(target ? { target } : {}) });
    let answer: Response;
    try {
      answer = await fetch(where, { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
    } catch {
      return this.refuse(`${file.name} could not be sent: the connection dropped.`);
    }
    const said = (await answer.json().catch(() => ({ error: answer.statusText }))) as Uploaded | { error: string };
    if ("error" in said || !answer.ok) return this.refuse("error" in said ? said.error : answer.statusText);
    say(this.error, ""); // it may be about another file that came in between
    this.file = file;
    this.chosen = target;
    this.uploaded = said;
    offer(this.target, said.columns);
    choose(this.target, said.target);
    find("target-row").hidden = file.name.toLowerCase().endsWith(".npz"); // there it is the array y
    const list = find("file-said");
    list.replaceChildren(...said.said.map((sentence) => make("li", { textContent: sentence })));
    list.hidden = said.said.length === 0;
    return true;
  }

  private refuse(message: string): false {
    say(this.error, message);
    return false;
  }

  private dropOn(area: HTMLElement): void {
    const drop = find("drop");
    const over = (event: DragEvent, lit: boolean): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.toggle("over", lit);
    };
    area.addEventListener("dragover", (event) => over(event, true));
    area.addEventListener("dragleave", (event) => over(event, false));
    area.addEventListener("drop", (event) => {
      over(event, false);
      const file = event.dataTransfer?.files[0];
      if (file) void this.take(file);
    });
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 0)} MB`;
}
