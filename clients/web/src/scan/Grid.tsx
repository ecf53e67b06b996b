// The grid of a scan's tiles: one cell each, however many.
// In: tiles by row and column, colours, which are selected. Out: a canvas; which cell is under the pointer, clicked or
// chosen by keys. Never: an element per tile.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ScanTile } from "../gen/blinkd/v1/scans_pb";

export interface Cell {
  readonly tile: ScanTile;
  readonly row: number;
  readonly column: number;
  readonly colour: string;
  readonly sign: string;
}

interface GridProps {
  rows: number;
  columns: number;
  cells: readonly Cell[];
  selected: ReadonlySet<number>;
  label: string;
  /** Of the cell under the pointer or the keys. */
  describe: (cell: Cell) => string;
  onHover: (cell: Cell | null) => void;
  onOpen: (cell: Cell) => void;
  onSelect: (cell: Cell) => void;
}

const SIDE_MAX_PX = 64;
const HEIGHT_MAX_PX = 420;

export function Grid(props: GridProps) {
  const { rows, columns, cells } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [focus, setFocus] = useState<{ row: number; column: number } | null>(null);
  const side = Math.min(SIDE_MAX_PX, width / Math.max(1, columns), HEIGHT_MAX_PX / Math.max(1, rows));
  const at = (row: number, column: number) => cells.find((cell) => cell.row === row && cell.column === column) ?? null;

  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current && side > 0) draw(canvas.current, props, side, focus);
  });

  const under = (event: MouseEvent & { currentTarget: HTMLCanvasElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return at(Math.floor((event.clientY - box.top) / side), Math.floor((event.clientX - box.left) / side));
  };
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const now = focus ?? { row: 0, column: 0 };
    const cell = at(now.row, now.column);
    if (step) {
      const row = Math.min(rows - 1, Math.max(0, now.row + (focus ? step[0] : 0)));
      const column = Math.min(columns - 1, Math.max(0, now.column + (focus ? step[1] : 0)));
      setFocus({ row, column });
      props.onHover(at(row, column));
    } else if (event.key === "Enter" && cell) props.onOpen(cell);
    else if (event.key === " " && cell) props.onSelect(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const focused = focus && at(focus.row, focus.column);
  return (
    <div class="grid-box">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it handles its keys itself */}
      <canvas
        ref={canvas}
        data-keys
        tabIndex={0}
        role="application"
        aria-label={`${props.label}. Arrow keys move, Enter opens, Space selects.`}
        onKeyDown={move}
        onBlur={() => setFocus(null)}
        onMouseMove={(event) => props.onHover(under(event))}
        onMouseLeave={() => props.onHover(null)}
        onClick={(event) => {
          const cell = under(event);
          if (cell) (event.shiftKey ? props.onSelect : props.onOpen)(cell);
        }}
      />
      <span class="unseen" aria-live="polite">
        {focused ? props.describe(focused) : ""}
      </span>
    </div>
  );
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

function draw(
  canvas: HTMLCanvasElement,
  { rows, columns, cells, selected }: GridProps,
  side: number,
  focus: { row: number; column: number } | null,
): void {
  const dpr = devicePixelRatio;
  canvas.width = Math.ceil(columns * side * dpr);
  canvas.height = Math.ceil(rows * side * dpr);
  canvas.style.width = `${columns * side}px`;
  canvas.style.height = `${rows * side}px`;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(dpr, dpr);
  const gap = side > 6 ? 1 : 0;
  context.font = `${Math.round(side * 0.45)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { tile, row, column, colour, sign } of cells) {
    const [x, y] = [column * side, row * side];
    context.fillStyle = colour;
    context.fillRect(x, y, side - gap, side - gap);
    if (sign && side >= 14) {
      context.fillStyle = "#06090d";
      context.fillText(sign, x + (side - gap) / 2, y + (side - gap) / 2 + 0.5);
    }
    if (selected.has(tile.tile?.tileIndex ?? -1)) {
      context.strokeStyle = "#ffffff";
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, side - gap - 2, side - gap - 2);
    }
  }
  if (focus) {
    context.strokeStyle = "#7cc4ff";
    context.lineWidth = 2;
    context.strokeRect(focus.column * side + 1, focus.row * side + 1, side - gap - 2, side - gap - 2);
  }
}
