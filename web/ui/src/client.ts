// The server as the page reaches it: the event stream, and the one request that changes something.

import type { FlowTable, LinkState, Network, PortTable } from "./model";
import type { News } from "./state";

const API = "/api/v1";
/** Before the stream is tried again after the server answered, but not with a stream. */
const RETRY_MS = 2000;

/** Follows the event stream for as long as the page lives, and tells `tell` all that it says. */
export function follow(tell: (news: News) => void): void {
  const source = new EventSource(`${API}/events`);
  const on = <T>(name: string, news: (data: T) => News) => {
    source.addEventListener(name, (event) => tell(news(JSON.parse((event as MessageEvent<string>).data) as T)));
  };
  on<Network>("network", (network) => ({ kind: "network", network }));
  on<FlowTable>("flows", (table) => ({ kind: "flows", table }));
  on<PortTable>("ports", (table) => ({ kind: "ports", table }));
  source.addEventListener("open", () => tell({ kind: "connection", connection: "live" }));
  source.addEventListener("stopped", () => {
    source.close();
    tell({ kind: "connection", connection: "stopped" });
  });
  source.addEventListener("error", () => {
    // The browser tries again by itself, unless the server answered with a refusal.
    tell({ kind: "connection", connection: "reconnecting" });
    if (source.readyState === EventSource.CLOSED) void retry(tell);
  });
}

async function retry(tell: (news: News) => void): Promise<void> {
  const status = await fetch(`${API}/network`).then((answer) => answer.status, () => 0);
  if (status === 401) {
    tell({ kind: "connection", connection: "refused" });
  } else {
    setTimeout(() => follow(tell), RETRY_MS);
  }
}

/** Asks for a link's state; gives what went wrong, or null. */
export async function setLink(id: string, state: LinkState): Promise<string | null> {
  try {
    const answer = await fetch(`${API}/links/${encodeURIComponent(id)}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ state }),
    });
    return answer.ok ? null : problemIn(await answer.text(), answer.status);
  } catch {
    return `flowbed could not be reached, so link ${id} stays as it is`;
  }
}

/** The message in the API's error, or the bare status where something else answered. */
export function problemIn(body: string, status: number): string {
  try {
    const parsed = JSON.parse(body) as { error?: { message?: unknown } };
    if (typeof parsed.error?.message === "string") return parsed.error.message;
  } catch {
    // Not JSON: the status has to do.
  }
  return `flowbed answered with status ${status}`;
}
