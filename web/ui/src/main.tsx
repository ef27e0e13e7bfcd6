// The page put together.

import { render } from "preact";
import { useEffect, useMemo, useReducer, useState } from "preact/hooks";
import { follow, setLink } from "./client";
import { plural } from "./format";
import type { LinkState, Network } from "./model";
import { type Connection, endText, INITIAL, linkRates, reduce, selectedSwitch } from "./state";
import { SwitchChooser, SwitchDetails } from "./switch";
import { Hosts, Links } from "./tables";
import { Topology } from "./topology";

const CONNECTIONS: Record<Connection, string> = {
  connecting: "connecting",
  live: "live",
  reconnecting: "reconnecting",
  stopped: "stopped",
  refused: "restarted",
};

const EXPLANATIONS: Partial<Record<Connection, string>> = {
  reconnecting: "The connection to flowbed is lost. What you see is the last state known.",
  stopped: "Flowbed was stopped. What you see is the last state known.",
  refused: "Flowbed was restarted: open the address that it printed, which has its new token.",
};

function App() {
  const [state, tell] = useReducer(reduce, INITIAL);
  const [enlarged, setEnlarged] = useState(false);
  useEffect(() => follow(tell), []);
  const { network, connection } = state;
  const rates = useMemo(() => (network ? linkRates(network, state.ports) : new Map<string, number>()), [network, state.ports]);
  const shown = selectedSwitch(state);
  const selected = useMemo(() => {
    const names = new Set<string>();
    if (shown) names.add(`node ${shown.name}`);
    if (state.selectedHost) names.add(`node ${state.selectedHost}`);
    if (state.selectedLink) names.add(`link ${state.selectedLink}`);
    return names;
  }, [shown?.name, state.selectedHost, state.selectedLink]);
  const choose = (name: string) => tell({ kind: "select-node", name });
  const chooseLink = (id: string) => tell({ kind: "select-link", id });
  const ask = (id: string, wanted: LinkState) => {
    tell({ kind: "link-asked", id, state: wanted });
    void setLink(id, wanted).then((problem) => tell({ kind: "link-answered", id, problem }));
  };
  const explanation = EXPLANATIONS[connection];

  return (
    <>
      <header>
        <h1>
          <img src="icon.svg" alt="" width="24" height="24" /> Flowbed
        </h1>
        {network && <Summary network={network} />}
        <p class={`connection ${connection}`} role="status" data-testid="connection">
          {CONNECTIONS[connection]}
        </p>
      </header>
      {explanation && (
        <p class="notice" role="alert">
          {explanation}
        </p>
      )}
      {state.problem && (
        <p class="notice problem" role="alert" data-testid="problem">
          {state.problem}
          <button type="button" class="quiet" onClick={() => tell({ kind: "problem-read" })}>
            Dismiss
          </button>
        </p>
      )}
      {network ? (
        <main class={enlarged ? "enlarged" : ""}>
          <section class="card picture" aria-labelledby="topology-title">
            <h2 id="topology-title" class="unseen">
              Topology
            </h2>
            <Topology
              network={network}
              rates={rates}
              selected={selected}
              enlarged={enlarged}
              onEnlarge={() => setEnlarged(!enlarged)}
              onNode={choose}
              onLink={chooseLink}
            />
          </section>
          <section class="card details" aria-labelledby="switch-title">
            <div class="card-head">
              <h2 id="switch-title" data-testid="switch-title">
                {shown ? `Switch ${shown.name}` : "Switches"}
              </h2>
              <SwitchChooser network={network} selected={shown} onChoose={choose} />
            </div>
            <div class="scroll">
              {shown ? (
                <SwitchDetails
                  shown={shown}
                  history={state.ports.get(shown.dpid)}
                  flows={state.flows.get(shown.dpid)}
                  neighbours={neighboursOf(network, shown.name)}
                />
              ) : (
                <p class="empty">No switch has connected yet.</p>
              )}
            </div>
          </section>
          <section class="card" aria-labelledby="hosts-title">
            <div class="card-head">
              <h2 id="hosts-title">
                Hosts <small>{network.hosts.length}</small>
              </h2>
            </div>
            <div class="scroll">
              <Hosts hosts={network.hosts} selected={state.selectedHost} onChoose={choose} />
            </div>
          </section>
          <section class="card" aria-labelledby="links-title">
            <div class="card-head">
              <h2 id="links-title">
                Links <small>{network.links.length}</small>
              </h2>
            </div>
            <div class="scroll">
              <Links
                links={network.links}
                rates={rates}
                pending={state.pendingLinks}
                selected={state.selectedLink}
                onChoose={chooseLink}
                onSet={ask}
              />
            </div>
          </section>
        </main>
      ) : (
        <p class="waiting">Waiting for the network…</p>
      )}
    </>
  );
}

function Summary({ network }: { network: Network }) {
  const { controller } = network;
  const connected = network.switches.filter((one) => one.connected).length;
  const down = network.links.filter((link) => link.state === "down").length;
  return (
    <div class="summary">
      <strong data-testid="network-name">{network.name}</strong>
      <span data-testid="controller">
        {controller
          ? `${controller.apps.length ? controller.apps.join(" + ") : `${controller.kind} controller`} · ${controller.address}`
          : "no controller"}
      </span>
      <span data-testid="switches-connected">
        {connected}/{plural(network.switches.length, "switch", "switches")} connected
      </span>
      <span>{plural(network.hosts.length, "host")}</span>
      <span class={down ? "bad" : ""} data-testid="links-summary">
        {plural(network.links.length, "link")}
        {down ? `, ${down} down` : ""}
      </span>
    </div>
  );
}

/** What each port of a switch leads to. */
function neighboursOf(network: Network, name: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const host of network.hosts) {
    if (host.attached?.switch === name) found.set(host.attached.port, host.name);
  }
  for (const { a, b } of network.links) {
    if (a.node === name && a.port !== null) found.set(a.port, endText(b));
    if (b.node === name && b.port !== null) found.set(b.port, endText(a));
  }
  return found;
}

const root = document.getElementById("app");
if (root) render(<App />, root);
