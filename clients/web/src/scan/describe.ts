// A tile and a scan's seams in words. Pure.
// In: what the daemon says of them. Out: a line of numbers, the daemon's sentences. Never: a judgement of our own.

import { PictureState, type Scan, type ScanTile } from "../gen/blinkd/v1/scans_pb";
import { count, duration, withUnit } from "../units/format";
import { QUANTITIES, stateName } from "./tiles";

/** Which tile it is, its state, its numbers. */
export function describe(tile: ScanTile): string {
  const { tile: account, report } = tile;
  if (!account) return "";
  const numbers = QUANTITIES.flatMap((quantity) => {
    const value = quantity.of(tile);
    return value === null
      ? []
      : [`${quantity.name} ${quantity.unit === "s" ? duration(value) : withUnit(value, quantity.unit)}`];
  });
  const visits = tile.visits > 1 ? [`visited ${tile.visits} times`] : [];
  const moved = report ? movement(report) : [];
  const place = `row ${account.row}, column ${account.column}`;
  return [`Tile ${account.tileIndex} (${place}): ${stateName(tile.state)}`, ...visits, ...numbers, ...moved].join(
    " · ",
  );
}

function movement(report: NonNullable<ScanTile["report"]>): string[] {
  const { movedXNm: x, movedYNm: y, placedBySeams } = report;
  if (x === undefined || y === undefined) return [];
  const by = placedBySeams ? "moved by seams" : "moved with the tiles beside it";
  return [`${by} x ${withUnit(x, "nm")}, y ${withUnit(y, "nm")}`];
}

/** What the widefield says against a painted picture, or why there is none. */
function doubts({ picture }: NonNullable<ScanTile["report"]>): string[] {
  if (picture?.notToBeTrusted) return [`Picture not to be trusted: ${picture.reason}`];
  return picture?.state === PictureState.FAILED ? [`Not painted: ${picture.reason}`] : [];
}

/** How many tiles are painted, and which of them contradict their widefield; null where none is wanted. */
export function paintedOf(scan: Scan): { value: string; rest: string } | null {
  if (scan.tilesPainted === 0) return null;
  const doubted = scan.notToBeTrusted;
  return { value: String(scan.tilesPainted), rest: doubted.length > 0 ? `! ${doubted.length} not to be trusted` : "" };
}

/** What early stops have saved; null where tiles are not watched for it. */
export function savedOf(scan: Scan): { value: string; rest: string } | null {
  if (!scan.earlyStop) return null;
  const frames = count(scan.framesSaved);
  // Nobody may know how fast frames come.
  if (scan.secondsSaved <= 0) return { value: frames, rest: "frames" };
  return { value: duration(scan.secondsSaved), rest: `${frames} frames` };
}

/** What is wrong with a tile; then what the daemon cannot say of it, and why. */
export function sentences(tile: ScanTile): { wrong: string[]; unknown: string[] } {
  const { report } = tile;
  if (!report) return { wrong: [], unknown: [] };
  const without = (what: string, why: string) => (why === "" ? [] : [`No ${what}: ${why}.`]);
  const judged = report.unknown.length === 0 ? [] : [`Not judged: ${report.unknown.join(", ")}.`];
  return {
    wrong: [...report.reasons.map((reason) => reason.text), ...doubts(report)],
    unknown: [...without("resolution", report.noFrc), ...without("drift", report.noDrift), ...judged],
  };
}

/** Both in one, to be read out. */
export function spoken(tile: ScanTile): string {
  const { wrong, unknown } = sentences(tile);
  return [describe(tile), ...wrong, ...unknown].join(" ");
}

/** How many seams matched, and what is to be known of the others; a dash before there are any. */
export function seamsOf(scan: Scan): { value: string; rest: string } {
  const { seams } = scan;
  if (!seams || seams.matched + seams.rejected + seams.without === 0) return { value: "–", rest: "" };
  const rest = [`${seams.rejected} rejected`];
  if (seams.without > 0) rest.push(`${seams.without} without overlap to match`);
  if (seams.residualNm !== undefined) rest.push(`residual ${withUnit(seams.residualNm, "nm")}`);
  return { value: String(seams.matched), rest: rest.join(" · ") };
}
