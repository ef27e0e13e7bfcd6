// Hosts and links.

import { useEffect, useRef } from "preact/hooks";
import { rate } from "./format";
import type { Host, Link, LinkState } from "./model";
import { byName } from "./order";
import { endText } from "./state";

/** Brings a row into view when it is chosen in the picture. */
function useShown(chosen: boolean) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return row;
}

interface HostsProperties {
  hosts: Host[];
  selected: string | null;
  onChoose: (name: string) => void;
}

export function Hosts({ hosts, selected, onChoose }: HostsProperties) {
  const sorted = [...hosts].sort((one, other) => byName(one.name, other.name));
  return (
    <>
      <table data-testid="hosts-table">
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col">MAC</th>
            <th scope="col">Addresses</th>
            <th scope="col">Attached to</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((host) => (
            <HostRow key={`${host.name} ${host.mac}`} host={host} chosen={host.name === selected} onChoose={onChoose} />
          ))}
        </tbody>
      </table>
      {hosts.length === 0 && <p class="empty">No hosts yet: a host is seen when it sends its first packet.</p>}
    </>
  );
}

function HostRow({ host, chosen, onChoose }: { host: Host; chosen: boolean; onChoose: (name: string) => void }) {
  const row = useShown(chosen);
  return (
    <tr ref={row} class={chosen ? "chosen" : ""} data-testid={`host-${host.name}`}>
      <th scope="row">
        <button type="button" class="name" onClick={() => onChoose(host.name)}>
          {host.name}
        </button>
      </th>
      <td class="mono" data-testid={`host-${host.name}-mac`}>
        {host.mac}
      </td>
      <td class="mono" data-testid={`host-${host.name}-addresses`}>
        {[...host.ipv4, ...host.ipv6].map((address) => (
          <span key={address} class="address">
            {address}
          </span>
        ))}
      </td>
      <td data-testid={`host-${host.name}-attached`}>
        {host.attached ? `${host.attached.switch} port ${host.attached.port}` : "–"}
      </td>
    </tr>
  );
}

interface LinksProperties {
  links: Link[];
  rates: Map<string, number>;
  pending: ReadonlyMap<string, LinkState>;
  selected: string | null;
  onChoose: (id: string) => void;
  onSet: (id: string, state: LinkState) => void;
}

export function Links({ links, rates, pending, selected, onChoose, onSet }: LinksProperties) {
  return (
    <>
      <table data-testid="links-table">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Traffic
            </th>
            <th scope="col">
              <span class="unseen">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {links.map((link) => (
            <LinkRow
              key={link.id}
              link={link}
              traffic={rates.get(link.id)}
              pending={pending.get(link.id)}
              chosen={link.id === selected}
              onChoose={onChoose}
              onSet={onSet}
            />
          ))}
        </tbody>
      </table>
      {links.length === 0 && <p class="empty">No links are known yet.</p>}
    </>
  );
}

interface LinkRowProperties extends Pick<LinksProperties, "onChoose" | "onSet"> {
  link: Link;
  traffic: number | undefined;
  pending: LinkState | undefined;
  chosen: boolean;
}

function LinkRow({ link, traffic, pending, chosen, onChoose, onSet }: LinkRowProperties) {
  const row = useShown(chosen);
  const other = link.state === "up" ? "down" : "up";
  const ends = `${link.a.node} to ${link.b.node}`;
  return (
    <tr ref={row} class={chosen ? "chosen" : ""} data-testid={`link-${link.id}`}>
      <th scope="row">
        <button type="button" class="name" title={link.a.interface} onClick={() => onChoose(link.id)}>
          {endText(link.a)}
        </button>
      </th>
      <td title={link.b.interface}>{endText(link.b)}</td>
      <td>
        <span class={`state ${link.state}`} data-testid={`link-${link.id}-state`}>
          {link.state}
        </span>
      </td>
      <td class="number">{traffic === undefined ? "–" : rate(traffic)}</td>
      <td class="number">
        <button
          type="button"
          class="quiet"
          data-testid={`link-${link.id}-toggle`}
          disabled={!link.controllable || pending !== undefined}
          title={link.controllable ? "" : "This link was discovered: its state can only be watched."}
          aria-label={`Take link ${ends} ${other}`}
          onClick={() => onSet(link.id, other)}
        >
          {pending === undefined ? `Take ${other}` : `Taking ${pending}…`}
        </button>
      </td>
    </tr>
  );
}
