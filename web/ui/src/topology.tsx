// The picture of the network, drawn by cytoscape.

import cytoscape, { type Core, type StylesheetJson } from "cytoscape";
import { useEffect, useRef } from "preact/hooks";
import { difference, edgeWidth, type Graph, graphOf, structureOf } from "./graph";
import { place } from "./layout";
import type { Network } from "./model";
import { plural } from "./format";

interface Properties {
  network: Network;
  rates: Map<string, number>;
  selected: ReadonlySet<string>;
  enlarged: boolean;
  onEnlarge: () => void;
  onNode: (name: string) => void;
  onLink: (id: string) => void;
}

/** A small network is not blown up to fill the pane. */
const LARGEST_FIT = 1.3;
const MARGIN = 26;

export function Topology({ network, rates, selected, enlarged, onEnlarge, onNode, onLink }: Properties) {
  const pane = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const listeners = useRef({ onNode, onLink });
  listeners.current = { onNode, onLink };

  useEffect(() => {
    if (!pane.current) return undefined;
    const made = new Drawing(pane.current, {
      onNode: (name) => listeners.current.onNode(name),
      onLink: (id) => listeners.current.onLink(id),
    });
    drawing.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => drawing.current?.show(graphOf(network)), [network]);
  useEffect(() => drawing.current?.widths(rates), [network, rates]);
  useEffect(() => drawing.current?.select(selected), [network, selected]);

  const down = network.links.filter((link) => link.state === "down").length;
  const summary =
    `Topology: ${plural(network.switches.length, "switch", "switches")}, ${plural(network.hosts.length, "host")}, ` +
    `${plural(network.links.length, "link")}${down ? `, ${down} down` : ""}`;
  return (
    <div class="topology">
      <div class="canvas" ref={pane} role="img" aria-label={summary} data-testid="topology" />
      <div class="tools">
        <button type="button" class="quiet" data-testid="topology-tidy" onClick={() => drawing.current?.tidy()}>
          Tidy
        </button>
        <button type="button" class="quiet" aria-pressed={enlarged} data-testid="topology-enlarge" onClick={onEnlarge}>
          {enlarged ? "Smaller" : "Larger"}
        </button>
      </div>
      <ul class="legend" aria-hidden="true">
        <li class="key-switch">switch</li>
        <li class="key-host">host</li>
        <li class="key-up">link up</li>
        <li class="key-down">link down</li>
      </ul>
    </div>
  );
}

interface Listeners {
  onNode: (name: string) => void;
  onLink: (id: string) => void;
}

/** Keeps cytoscape's graph like ours, touching only what differs. */
class Drawing {
  readonly #cy: Core;
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  readonly #resized: ResizeObserver;
  #graph: Graph = { nodes: [], edges: [] };
  #structure = "";
  /** Whether the user moved or zoomed the picture: it is theirs then, and no resize fits it again. */
  #touched = false;
  /** Nodes that the user put somewhere: they stay there until all is tidied. */
  readonly #dragged = new Set<string>();

  constructor(pane: HTMLDivElement, listeners: Listeners) {
    this.#cy = cytoscape({ container: pane, style: stylesheet(pane), minZoom: 0.1, maxZoom: 4, boxSelectionEnabled: false });
    this.#cy.autounselectify(true);
    this.#cy.on("tap", "node", (event) => listeners.onNode(String(event.target.id())));
    this.#cy.on("tap", "edge", (event) => listeners.onLink(String(event.target.data("link"))));
    this.#cy.on("dragpan scrollzoom pinchzoom", () => {
      this.#touched = true;
    });
    this.#cy.on("dragfree", "node", (event) => this.#dragged.add(String(event.target.id())));
    this.#cy.on("mouseover", "node, edge", () => pane.classList.add("over"));
    this.#cy.on("mouseout", "node, edge", () => pane.classList.remove("over"));
    this.#dark.addEventListener("change", this.#repaint);
    this.#resized = new ResizeObserver(() => {
      this.#cy.resize();
      if (!this.#touched) this.#fit();
    });
    this.#resized.observe(pane);
  }

  destroy(): void {
    this.#resized.disconnect();
    this.#dark.removeEventListener("change", this.#repaint);
    this.#cy.destroy();
  }

  show(graph: Graph): void {
    const structure = structureOf(graph);
    this.#graph = graph;
    this.#cy.batch(() => {
      if (structure !== this.#structure) this.#rebuild();
      for (const node of graph.nodes) this.#node(node.id).toggleClass("away", !node.live);
      for (const edge of graph.edges) {
        this.#edge(edge.id).data({ sourcePort: edge.sourcePort, targetPort: edge.targetPort }).toggleClass("down", !edge.up);
      }
    });
    if (structure !== this.#structure) {
      this.#structure = structure;
      this.#arrange();
      if (!this.#touched) this.#fit();
    }
  }

  /** Puts every node where the layout wants it and shows all. */
  tidy(): void {
    this.#dragged.clear();
    this.#touched = false;
    this.#arrange();
    this.#fit();
  }

  #arrange(): void {
    const positions = place(this.#graph);
    this.#cy.batch(() => {
      for (const [id, point] of positions) {
        if (!this.#dragged.has(id)) this.#node(id).position(point);
      }
    });
  }

  widths(rates: Map<string, number>): void {
    this.#cy.batch(() => {
      for (const { id } of this.#graph.edges) {
        const rate = rates.get(id) ?? 0;
        this.#edge(id).data("width", edgeWidth(rate)).toggleClass("busy", rate >= 1);
      }
    });
  }

  select(names: ReadonlySet<string>): void {
    this.#cy.batch(() => {
      for (const { id } of this.#graph.nodes) this.#node(id).toggleClass("chosen", names.has(`node ${id}`));
      for (const { id } of this.#graph.edges) this.#edge(id).toggleClass("chosen", names.has(`link ${id}`));
    });
  }

  // Nodes and edges have separate name spaces with us, one with cytoscape.
  #node(id: string) {
    return this.#cy.getElementById(id);
  }

  #edge(id: string) {
    return this.#cy.getElementById(`link ${id}`);
  }

  #rebuild(): void {
    const { nodes, edges } = this.#graph;
    // An edge that joins other nodes now is another edge.
    this.#cy.edges().remove();
    const { gone } = difference(this.#cy.nodes().map((node) => node.id()), nodes.map((node) => node.id));
    for (const id of gone) {
      this.#node(id).remove();
      this.#dragged.delete(id);
    }
    for (const { id, kind } of nodes) {
      if (this.#node(id).nonempty()) {
        this.#node(id).classes(kind);
        continue;
      }
      const width = Math.max(kind === "switch" ? 44 : 38, id.length * 8 + 18);
      this.#cy.add({ group: "nodes", data: { id, label: id, width }, classes: kind });
    }
    for (const { id, source, target } of edges) {
      this.#cy.add({ group: "edges", data: { id: `link ${id}`, link: id, source, target, width: edgeWidth(0) } });
    }
  }

  #fit(): void {
    if (this.#cy.nodes().empty()) return;
    this.#cy.fit(undefined, MARGIN);
    if (this.#cy.zoom() > LARGEST_FIT) {
      this.#cy.zoom(LARGEST_FIT);
      this.#cy.center();
    }
  }

  #repaint = (): void => {
    const pane = this.#cy.container();
    if (pane) this.#cy.style(stylesheet(pane));
  };
}

function stylesheet(pane: HTMLElement): StylesheetJson {
  const styles = getComputedStyle(pane);
  const colour = (name: string) => styles.getPropertyValue(`--${name}`).trim();
  return [
    {
      selector: "node",
      style: {
        label: "data(label)",
        width: "data(width)",
        height: 28,
        shape: "round-rectangle",
        "text-valign": "center",
        "text-halign": "center",
        "font-family": "system-ui, sans-serif",
        "font-size": 13,
        "font-weight": 600,
        "border-width": 1.5,
        "overlay-opacity": 0,
      },
    },
    {
      selector: "node.switch",
      style: { "background-color": colour("switch"), "border-color": colour("switch"), color: colour("on-switch") },
    },
    {
      selector: "node.host",
      style: {
        shape: "round-rectangle",
        "corner-radius": "14",
        "background-color": colour("surface"),
        "border-color": colour("host"),
        color: colour("text"),
        "font-weight": 500,
      },
    },
    {
      selector: "node.away",
      style: {
        "background-color": colour("surface"),
        "border-color": colour("down"),
        "border-style": "dashed",
        color: colour("down"),
      },
    },
    {
      selector: "edge",
      style: {
        width: "data(width)",
        "line-color": colour("link"),
        "curve-style": "bezier",
        "source-label": "data(sourcePort)",
        "target-label": "data(targetPort)",
        "source-text-offset": 28,
        "target-text-offset": 28,
        "font-family": "system-ui, sans-serif",
        "font-size": 10.5,
        "min-zoomed-font-size": 6.5,
        color: colour("muted"),
        "text-background-color": colour("surface"),
        "text-background-opacity": 1,
        "text-background-padding": "1.5px",
        "text-background-shape": "round-rectangle",
        "overlay-opacity": 0,
      },
    },
    { selector: "edge.busy", style: { "line-color": colour("busy") } },
    { selector: "edge.down", style: { "line-color": colour("down"), "line-style": "dashed", width: 2 } },
    {
      selector: "node.chosen",
      style: {
        "outline-width": 3,
        "outline-offset": 3,
        "outline-color": colour("accent"),
        "outline-opacity": 0.75,
      },
    },
    { selector: "edge.chosen", style: { "underlay-color": colour("accent"), "underlay-opacity": 0.3, "underlay-padding": 5 } },
  ] as unknown as StylesheetJson;
}
