// What the server publishes; mirrors web/src/view.rs.

export interface Network {
  name: string;
  controller: Controller | null;
  switches: Switch[];
  hosts: Host[];
  links: Link[];
}

export interface Controller {
  kind: "flowbed" | "remote";
  address: string;
  apps: string[];
}

export interface Switch {
  name: string;
  /** 16 hexadecimal digits. */
  dpid: string;
  connected: boolean;
  kind: "ovs" | "soft" | "bridge" | "external";
  ports: Port[];
}

export interface Port {
  number: number;
  name: string;
  mac: string;
  up: boolean;
}

export interface Host {
  name: string;
  mac: string;
  ipv4: string[];
  ipv6: string[];
  attached: { switch: string; port: number } | null;
}

export type LinkState = "up" | "down";

export interface Link {
  id: string;
  a: End;
  b: End;
  state: LinkState;
  controllable: boolean;
}

export interface End {
  node: string;
  port: number | null;
  interface: string;
}

export interface FlowTable {
  dpid: string;
  /** Milliseconds on the server's clock. */
  measured_ms: number;
  flows: Flow[];
}

export interface Flow {
  table: number;
  priority: number;
  cookie: string;
  match: string;
  actions: string;
  packets: number;
  bytes: number;
  duration_s: number;
  idle_timeout_s: number;
  hard_timeout_s: number;
}

export interface PortTable {
  dpid: string;
  /** Milliseconds on the server's clock. */
  measured_ms: number;
  ports: PortCounters[];
}

export interface PortCounters {
  number: number;
  rx_packets: number;
  tx_packets: number;
  rx_bytes: number;
  tx_bytes: number;
  rx_dropped: number;
  tx_dropped: number;
  rx_errors: number;
  tx_errors: number;
}

/** The port number by which OpenFlow names a switch's own port. */
export const LOCAL_PORT = 0xffff_fffe;
