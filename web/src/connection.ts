// One WebSocket, opened again with growing pauses when it drops.

import { readExplained, readFrame, type Frame, type PairFrame, type Received, type Sent, type SentExplained } from "./protocol";

const MOST_MESSAGE = 65_536; // bytes; at a longer one the server ends the connection
const PAUSES = [1, 2, 4, 8, 10]; // seconds
const WRONG_TOKEN =
  "The token in the address is not the lab's. Open the address that backtalk lab prints when it starts: it has the right one.";
// Codes with which the server says that to come back would not help
const FINAL: Record<number, string> = {
  4001: "Another page took this session over. Reload this page to go on here.",
  1009: "The lab ended the connection because this page sent more at once than it takes. Reload this page to go on.",
  1013: "The lab has as many pages open as it takes. Close one, then reload this page.",
};

export interface Listener {
  message(message: Received): void;
  frame(frame: Frame | PairFrame): void;
  lost(seconds: number): void;
  refused(reason: string): void;
}

/** What answers the page: the lab's server, or a recording. */
export interface Lab {
  open(): void;
  readonly connected: boolean;
  /** Whether it was sent. */
  send(message: Sent): boolean;
}

const token = new URLSearchParams(location.search).get("token") ?? "";
// Made at load and kept until the page is closed: a dropped connection comes back to its session,
// and two tabs never share one
const session = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The address of a part of our server, with the token and the session. */
export function address(path: string, more: Record<string, string> = {}): string {
  return `${path}?${new URLSearchParams({ token, session, ...more })}`;
}

export class Connection implements Lab {
  private socket: WebSocket | null = null;
  private failures = 0;

  constructor(private readonly listener: Listener) {}

  open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${address("/live")}`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      this.failures = 0;
      if (typeof event.data === "string") this.listener.message(readMessage(event.data));
      else this.listener.frame(readFrame(event.data));
    };
    let opened = false;
    socket.onopen = () => {
      opened = true;
    };
    socket.onclose = (event) => void this.closed(event.code, opened);
    this.socket = socket;
  }

  get connected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Whether it was sent. Nothing is kept for later: after a break the page says anew what it wants. */
  send(message: Sent): boolean {
    if (!this.connected) return false;
    const text = JSON.stringify(message);
    const { length } = new TextEncoder().encode(text);
    if (length <= MOST_MESSAGE) this.socket?.send(text);
    else {
      const said = `This is ${length} bytes long, and the lab takes at most ${MOST_MESSAGE} at once.`;
      queueMicrotask(() => this.listener.message({ type: "error", about: message.type, message: said }));
    }
    return length <= MOST_MESSAGE;
  }

  private async closed(code: number, opened: boolean): Promise<void> {
    this.socket = null;
    // A browser does not say why a WebSocket was refused; the page itself is refused for the same reason
    const final = FINAL[code] ?? (!opened && (await refusesPage()) ? WRONG_TOKEN : undefined);
    if (final) {
      this.listener.refused(final);
      return;
    }
    const seconds = PAUSES[Math.min(this.failures, PAUSES.length - 1)] ?? 10;
    this.failures += 1;
    this.listener.lost(seconds);
    setTimeout(() => this.open(), 1000 * seconds);
  }
}

function readMessage(text: string): Received {
  const message = JSON.parse(text) as Exclude<Received, { type: "derivation" }> | SentExplained;
  return message.type === "derivation" ? readExplained(message) : message;
}

async function refusesPage(): Promise<boolean> {
  try {
    return (await fetch(address("/"))).status === 403;
  } catch {
    return false; // nobody answers
  }
}
