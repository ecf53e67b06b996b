// A scan as a whole. In: all its tiles, asked for while this is open. Out: grid, counts, time left, retakes.
// Never: an element per tile.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isScan } from "../daemon/series";
import type { Scan, ScanTile } from "../gen/blinkd/v1/scans_pb";
import { useViewer } from "../shell/viewer";
import { duration, short, withUnit } from "../units/format";
import { colourOf, colourOfState, RAMP_CSS, SIGNS } from "./colours";
import { type Cell, Grid } from "./Grid";
import { Retakes } from "./Retakes";
import { QUANTITIES, regionAt, STATES, scaleOf, stateName } from "./tiles";

export function ScanPanel() {
  const { daemon } = useViewer();
  useEffect(() => {
    daemon.wanted.scan.value = true;
    return () => {
      daemon.wanted.scan.value = false;
    };
  }, [daemon]);
  const scan = daemon.scan.value;
  if (scan) return <ScanView scan={scan} />;
  const series = daemon.acquisition.value;
  return (
    <p class="dim">
      {series && isScan(series) ? "Reading the scan…" : "This series is no scan: all its frames are of one place."}
    </p>
  );
}

function ScanView({ scan }: { scan: Scan }) {
  const { picture } = useViewer();
  const by = useSignal(-1);
  const hovered = useSignal<number | null>(null);
  const selected = useSignal<ReadonlySet<number>>(new Set());
  const quantity = QUANTITIES[by.value];
  const scale = quantity ? scaleOf(scan.tiles, quantity) : null;
  const cells = scan.tiles.flatMap((tile): Cell[] => {
    if (!tile.tile) return [];
    const value = quantity?.of(tile) ?? null;
    const colour = quantity
      ? value !== null && scale
        ? colourOf(value, scale)
        : "#161c25"
      : colourOfState(tile.state);
    const sign = quantity ? "" : (SIGNS[tile.state] ?? "");
    return [{ tile, row: tile.tile.row, column: tile.tile.column, colour, sign }];
  });
  const rows = cells.reduce((most, cell) => Math.max(most, cell.row + 1), scan.grid?.rows || 1);
  const columns = cells.reduce((most, cell) => Math.max(most, cell.column + 1), scan.grid?.columns || 1);
  const index = (cell: Cell) => cell.tile.tile?.tileIndex ?? -1;
  const toggle = (cell: Cell) => {
    const next = new Set(selected.value);
    if (!next.delete(index(cell))) next.add(index(cell));
    selected.value = next;
  };
  const open = (cell: Cell) => {
    if (!cell.tile.tile) return;
    const region = regionAt(cell.tile.tile, scan.tileWidthNm, scan.tileHeightNm);
    picture.marked.value = region;
    picture.show(region);
  };
  const shown = useComputed(() => hovered.value);
  const pointed = scan.tiles.find((tile) => tile.tile?.tileIndex === shown.value);
  return (
    <>
      <Progress scan={scan} />
      <label class="field">
        <span>Colour by</span>
        <select value={by.value} onChange={(event) => (by.value = Number(event.currentTarget.value))}>
          <option value={-1}>state</option>
          {QUANTITIES.map(({ name }, at) => (
            <option key={name} value={at}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Grid
        rows={rows}
        columns={columns}
        cells={cells}
        selected={selected.value}
        label={`Grid of ${rows} by ${columns} tiles`}
        describe={(cell) => describe(cell.tile)}
        onHover={(cell) => (hovered.value = cell ? index(cell) : null)}
        onOpen={open}
        onSelect={toggle}
      />
      {quantity ? (
        <RampLegend low={scale?.low} high={scale?.high} unit={quantity.unit} />
      ) : (
        <StateLegend counts={scan.tilesByState} />
      )}
      <p class="hover" aria-hidden="true">
        {pointed ? describe(pointed) : "Click a tile to open it, Shift-click to select it."}
      </p>
      <Retakes scan={scan} selected={selected} />
    </>
  );
}

function describe(tile: ScanTile): string {
  const { tile: account } = tile;
  if (!account) return "";
  const numbers = QUANTITIES.flatMap((quantity) => {
    const value = quantity.of(tile);
    return value === null
      ? []
      : [`${quantity.name} ${quantity.unit === "s" ? duration(value) : withUnit(value, quantity.unit)}`];
  });
  const visits = tile.visits > 1 ? [`visited ${tile.visits} times`] : [];
  const place = `row ${account.row}, column ${account.column}`;
  return [`Tile ${account.tileIndex} (${place}): ${stateName(tile.state)}`, ...visits, ...numbers].join(" · ");
}

function Progress({ scan }: { scan: Scan }) {
  const done = (scan.tilesByState.done ?? 0) + (scan.tilesByState.failed ?? 0);
  const all = scan.expectedTiles || scan.tiles.length;
  return (
    <div class="now two">
      <div>
        <span class="name">tiles done</span>
        <span class="value" data-number="tiles_done">
          {done}
        </span>
        <span class="unit">of {all}</span>
      </div>
      <div>
        <span class="name">time left</span>
        <span class="value">{scan.secondsLeft === undefined ? "–" : duration(scan.secondsLeft)}</span>
        <span class="unit">{scan.secondsLeft === undefined ? "" : "at the pace so far"}</span>
      </div>
    </div>
  );
}

function StateLegend({ counts }: { counts: Readonly<Record<string, number>> }) {
  return (
    <ul class="states">
      {STATES.map(({ state, key, name }) => (
        <li key={key}>
          <span class="swatch" style={{ background: colourOfState(state) }}>
            {SIGNS[state] ?? ""}
          </span>
          {name} <span class="dim">{counts[key] ?? 0}</span>
        </li>
      ))}
    </ul>
  );
}

function RampLegend({ low, high, unit }: { low: number | undefined; high: number | undefined; unit: string }) {
  return (
    <div class="ramp">
      <span>{low === undefined ? "–" : short(low)}</span>
      <span class="bar" style={{ background: RAMP_CSS }} />
      <span>
        {high === undefined ? "–" : short(high)} {unit}
      </span>
    </div>
  );
}
