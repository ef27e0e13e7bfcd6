// The details of one switch: its ports with their traffic, and its flows.

import { useState } from "preact/hooks";
import { age, bytes, count, pieces, plural, rate } from "./format";
import { type Flow, LOCAL_PORT, type Network, type Port, type Switch } from "./model";
import { byName, clicked, type FlowColumn, LOOKUP_ORDER, sortFlows } from "./order";
import type { PortHistory } from "./rates";
import { Sparkline } from "./sparkline";
import { flowKey, type FlowView } from "./state";

/** More rows than this make a browser slow, and nobody reads them: the filter finds the rest. */
const ROWS = 400;

const KINDS: Record<Switch["kind"], string> = {
  ovs: "Open vSwitch",
  soft: "Flowbed soft switch",
  bridge: "Linux bridge",
  external: "external switch",
};

interface ChooserProperties {
  network: Network;
  selected: Switch | null;
  onChoose: (name: string) => void;
}

export function SwitchChooser({ network, selected, onChoose }: ChooserProperties) {
  return (
    <div class="chooser" role="group" aria-label="Switches">
      {[...network.switches]
        .sort((one, other) => byName(one.name, other.name))
        .map((one) => (
          <button
            key={one.dpid}
            type="button"
            class={`chip ${one.connected ? "" : "away"}`}
            aria-pressed={one.dpid === selected?.dpid}
            title={one.connected ? `${one.name} is connected` : `${one.name} has no session with the controller`}
            data-testid={`switch-${one.name}`}
            onClick={() => onChoose(one.name)}
          >
            {one.name}
          </button>
        ))}
    </div>
  );
}

interface DetailsProperties {
  shown: Switch;
  history: PortHistory | undefined;
  flows: FlowView | undefined;
  /** What hangs at each port, by number. */
  neighbours: Map<number, string>;
}

export function SwitchDetails({ shown, history, flows, neighbours }: DetailsProperties) {
  return (
    <div data-testid="switch-details">
      <dl class="facts">
        <div>
          <dt>Datapath id</dt>
          <dd class="mono" data-testid="switch-dpid">
            {shown.dpid}
          </dd>
        </div>
        <div>
          <dt>Kind</dt>
          <dd>{KINDS[shown.kind] ?? shown.kind}</dd>
        </div>
        <div>
          <dt>Controller</dt>
          <dd data-testid="switch-connection" class={shown.connected ? "good" : "bad"}>
            {shown.connected ? "connected" : "not connected"}
          </dd>
        </div>
        <div>
          <dt>Traffic in</dt>
          <dd>
            <Sparkline values={history?.total ?? []} />
          </dd>
        </div>
      </dl>
      <Ports ports={shown.ports} history={history} neighbours={neighbours} />
      <Flows key={shown.dpid} kind={shown.kind} view={flows} />
    </div>
  );
}

function Ports({ ports, history, neighbours }: { ports: Port[] } & Pick<DetailsProperties, "history" | "neighbours">) {
  return (
    <section aria-labelledby="ports-title">
      <h3 id="ports-title">
        Ports <small>{ports.length}</small>
      </h3>
      <table data-testid="ports-table">
        <thead>
          <tr>
            <th scope="col" class="number">
              Port
            </th>
            <th scope="col">Interface</th>
            <th scope="col">Leads to</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Packets in
            </th>
            <th scope="col" class="number">
              Packets out
            </th>
            <th scope="col" class="number">
              Rate in
            </th>
            <th scope="col" class="number">
              Rate out
            </th>
          </tr>
        </thead>
        <tbody>
          {[...ports]
            .sort((one, other) => one.number - other.number)
            .map((port) => {
              const counters = history?.counters.get(port.number);
              const rates = history?.rates.get(port.number);
              const lost = counters ? counters.rx_dropped + counters.tx_dropped + counters.rx_errors + counters.tx_errors : 0;
              return (
                <tr key={port.number} data-testid={`port-${port.number}`}>
                  <th scope="row" class="number">
                    {port.number === LOCAL_PORT ? "local" : port.number}
                  </th>
                  <td class="mono">{port.name}</td>
                  <td>{neighbours.get(port.number) ?? "–"}</td>
                  <td>
                    <span class={`state ${port.up ? "up" : "down"}`}>{port.up ? "up" : "down"}</span>
                    {lost > 0 && <span class="lost"> {count(lost)} lost</span>}
                  </td>
                  <Moving value={counters?.rx_packets} testid={`port-${port.number}-rx-packets`} />
                  <Moving value={counters?.tx_packets} testid={`port-${port.number}-tx-packets`} />
                  <td class="number">{rates ? rate(rates.rxBitsPerSecond) : "–"}</td>
                  <td class="number">{rates ? rate(rates.txBitsPerSecond) : "–"}</td>
                </tr>
              );
            })}
        </tbody>
      </table>
    </section>
  );
}

/** A counter that lights up when it moves: a new key makes a new element, whose animation starts anew. */
function Moving({ value, testid }: { value: number | undefined; testid: string }) {
  return (
    <td class="number" data-testid={testid}>
      {value === undefined ? "–" : <span key={value} class={value > 0 ? "moved" : ""}>{count(value)}</span>}
    </td>
  );
}

const COLUMNS: { column: FlowColumn; title: string; number?: true }[] = [
  { column: "table", title: "Table", number: true },
  { column: "priority", title: "Priority", number: true },
  { column: "match", title: "Match" },
  { column: "actions", title: "Actions" },
  { column: "packets", title: "Packets", number: true },
  { column: "bytes", title: "Bytes", number: true },
  { column: "age", title: "Age", number: true },
];

function Flows({ kind, view }: { kind: Switch["kind"]; view: FlowView | undefined }) {
  const [order, setOrder] = useState(LOOKUP_ORDER);
  const [wanted, setWanted] = useState("");
  const all = view?.table.flows ?? [];
  const needle = wanted.trim().toLowerCase();
  const found = needle ? all.filter((flow) => `${flow.match} ${flow.actions}`.toLowerCase().includes(needle)) : all;
  const rows = sortFlows(found, order).slice(0, ROWS);
  return (
    <section aria-labelledby="flows-title">
      <div class="title-row">
        <h3 id="flows-title">
          Flows <small data-testid="flow-count">{view ? count(all.length) : ""}</small>
        </h3>
        <input
          type="search"
          placeholder="Filter by match or action"
          aria-label="Filter flows by match or action"
          data-testid="flow-filter"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </div>
      <table data-testid="flows-table">
        <thead>
          <tr>
            {COLUMNS.map(({ column, title, number }) => (
              <th
                key={column}
                scope="col"
                class={number ? "number" : ""}
                aria-sort={order.column === column ? order.direction : "none"}
              >
                <button type="button" data-testid={`sort-${column}`} onClick={() => setOrder(clicked(order, column))}>
                  {title}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((flow) => (
            <FlowRow key={flowKey(flow)} flow={flow} moved={view?.moved.has(flowKey(flow)) ?? false} />
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p class="empty">{emptiness(kind, view, needle)}</p>}
      {found.length > rows.length && (
        <p class="empty">
          The first {ROWS} of {plural(found.length, "flow")}: filter to see others.
        </p>
      )}
    </section>
  );
}

function emptiness(kind: Switch["kind"], view: FlowView | undefined, needle: string): string {
  if (kind === "bridge") return "A Linux bridge learns by itself; it has no flow tables.";
  if (needle) return "No flow matches the filter.";
  return view ? "The switch has no flows." : "The switch has not told its flows yet.";
}

function FlowRow({ flow, moved }: { flow: Flow; moved: boolean }) {
  const limits = [
    flow.idle_timeout_s ? `idle timeout ${flow.idle_timeout_s} s` : "",
    flow.hard_timeout_s ? `hard timeout ${flow.hard_timeout_s} s` : "",
    `cookie ${flow.cookie}`,
  ];
  return (
    <tr data-testid="flow" title={limits.filter(Boolean).join(", ")}>
      <td class="number">{flow.table}</td>
      <td class="number" data-testid="flow-priority">
        {flow.priority}
      </td>
      <td class="mono wrap" data-testid="flow-match">
        {flow.match ? <Pieces text={flow.match} /> : <em>any packet</em>}
      </td>
      <td class="mono wrap" data-testid="flow-actions">
        <Pieces text={flow.actions || "drop"} />
      </td>
      <td class="number" data-testid="flow-packets">
        <span key={flow.packets} class={moved ? "moved" : ""}>
          {count(flow.packets)}
        </span>
      </td>
      <td class="number" data-testid="flow-bytes">
        {bytes(flow.bytes)}
      </td>
      <td class="number">{age(flow.duration_s)}</td>
    </tr>
  );
}

/** Text that may break after its commas. */
function Pieces({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, index) => (
        <span key={index} class="piece">
          {piece}
        </span>
      ))}
    </>
  );
}
