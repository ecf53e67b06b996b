// A scan as a whole. In: all its tiles, asked for while this is open. Out: grid, counts, time left, retakes.
// Never: an element per tile.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isScan } from "../daemon/series";
import type { Scan, ScanTile } from "../gen/blinkd/v1/scans_pb";
import { useViewer } from "../shell/viewer";
import { duration, short } from "../units/format";
import { colourOf, colourOfState, RAMP_CSS, SIGNS } from "./colours";
import { describe, paintedOf, savedOf, seamsOf, sentences, spoken } from "./describe";
import { type Cell, Grid } from "./Grid";
import { Retakes } from "./Retakes";
import { ended, QUANTITIES, regionAt, STATES, scaleOf } from "./tiles";

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
        describe={(cell) => spoken(cell.tile)}
        onHover={(cell) => (hovered.value = cell ? index(cell) : null)}
        onOpen={open}
        onSelect={toggle}
      />
      {quantity ? (
        <RampLegend low={scale?.low} high={scale?.high} unit={quantity.unit} />
      ) : (
        <StateLegend counts={scan.tilesByState} />
      )}
      <Pointed tile={pointed} />
      <Retakes scan={scan} selected={selected} />
    </>
  );
}

function Pointed({ tile }: { tile: ScanTile | undefined }) {
  const said = tile ? sentences(tile) : { wrong: [], unknown: [] };
  return (
    <div class="hover" aria-hidden="true">
      <p>{tile ? describe(tile) : "Click a tile to open it, Shift-click to select it."}</p>
      {said.wrong.length > 0 && (
        <ul class="wrong">
          {said.wrong.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {said.unknown.length > 0 && <p>{said.unknown.join(" ")}</p>}
    </div>
  );
}

function Progress({ scan }: { scan: Scan }) {
  const all = scan.expectedTiles || scan.tiles.length;
  const seams = seamsOf(scan);
  const painted = paintedOf(scan);
  const saved = savedOf(scan);
  return (
    <div class="now two">
      <Figure id="tiles_done" name="tiles done" value={String(ended(scan))} rest={`of ${all}`} />
      <Figure
        id="time_left"
        name="time left"
        value={scan.secondsLeft === undefined ? "–" : duration(scan.secondsLeft)}
        rest={scan.secondsLeft === undefined ? "" : "at the pace so far"}
      />
      <Figure
        id="tiles_finished"
        name="tiles finished"
        value={String(scan.tilesFinished)}
        rest={scan.complete ? "the scan is complete" : `of ${all}`}
      />
      <Figure id="seams" name="seams matched" value={seams.value} rest={seams.rest} />
      {painted && <Figure id="painted" name="tiles painted" value={painted.value} rest={painted.rest} />}
      {saved && <Figure id="saved" name="saved by early stops" value={saved.value} rest={saved.rest} />}
    </div>
  );
}

function Figure({ id, name, value, rest }: { id: string; name: string; value: string; rest: string }) {
  return (
    <div>
      <span class="name">{name}</span>
      <span class="value" data-number={id}>
        {value}
      </span>
      <span class="unit">{rest}</span>
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
