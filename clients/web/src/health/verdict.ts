// Is all well? One lamp with its reasons. Pure.
// In: what the daemon says of itself and of a series. Out: the worst of all reasons first, each with a remedy.
// Never: a colour without words.

import { type Acquisition, type DaemonStatus, type FrameAccount, SeriesState } from "../gen/blinkd/v1/acquisitions_pb";
import { bytes, count, duration } from "../units/format";
import { lostWords, missingWords, REMEDY_WHEN_SLOW } from "./losses";

export type Light = "good" | "attention" | "trouble" | "idle";

export interface Reason {
  readonly light: Light;
  readonly what: string;
  readonly remedy: string;
}

export interface Verdict {
  readonly light: Light;
  readonly headline: string;
  readonly reasons: readonly Reason[];
}

export const DISK_LOW_BYTES = 10n * 1024n ** 3n;
/** Fewer waiting frames are the network's normal stride. */
const WAITING_FEW = 16;
const WAITING_MANY = 200;
const BEHIND_S = 1;
const RATE_LEAST_FPS = 0.1;

const RANK: Readonly<Record<Light, number>> = { trouble: 0, attention: 1, good: 2, idle: 3 };

export const total = (numbers: Readonly<Record<string, bigint>> | undefined) =>
  Object.values(numbers ?? {}).reduce((sum, each) => sum + each, 0n);

export function verdict(acquisition: Acquisition | null, status: DaemonStatus | null): Verdict {
  if (status === null) return { light: "idle", headline: "Connecting", reasons: [] };
  const reasons = [...ofDaemon(status), ...(acquisition ? ofSeries(acquisition, status) : [])];
  reasons.sort((a, b) => RANK[a.light] - RANK[b.light]);
  const worst = reasons[0];
  if (worst) return { light: worst.light, headline: worst.what, reasons };
  return { ...calm(acquisition, status), reasons };
}

function calm(acquisition: Acquisition | null, status: DaemonStatus): Pick<Verdict, "light" | "headline"> {
  if (acquisition === null) {
    return { light: "idle", headline: `Waiting for frames on ${status.frameEndpoint}` };
  }
  const processed = acquisition.account?.processed ?? 0n;
  const waiting = acquisition.account?.waiting ?? 0n;
  switch (acquisition.state) {
    case SeriesState.RECEIVING:
      return { light: "good", headline: "Recording: every frame kept" };
    case SeriesState.DRAINING:
      return { light: "good", headline: `Series ended; ${count(waiting)} frames still to process` };
    default:
      return { light: "good", headline: `Series complete: all ${count(processed)} frames processed` };
  }
}

function ofDaemon(status: DaemonStatus): Reason[] {
  const reasons: Reason[] = [];
  if (status.diskFull) {
    reasons.push({
      light: "trouble",
      what: "Disk full",
      remedy: `Nothing more can be kept: free space in ${status.storeDir || "the store folder"}.`,
    });
  } else if (status.diskFreeBytes > 0n && status.diskFreeBytes < DISK_LOW_BYTES) {
    reasons.push({
      light: "attention",
      what: `Only ${bytes(status.diskFreeBytes)} of disk left`,
      remedy: `Free space in ${status.storeDir || "the store folder"} before a long recording.`,
    });
  }
  for (const alarm of status.alarms) {
    const [what, ...rest] = alarm.split(": ");
    reasons.push({ light: "trouble", what: what ?? alarm, remedy: rest.join(": ") });
  }
  const bad = total(status.badMessages);
  if (bad > 0n) {
    const kinds = Object.entries(status.badMessages).map(([kind, n]) => `${kind.replaceAll("_", " ")} ${count(n)}`);
    reasons.push({
      light: "attention",
      what: `${count(bad)} bad messages refused on the frame socket`,
      remedy: `${kinds.join(", ")}. Something sends what is no frame: check the publisher's version.`,
    });
  }
  return reasons;
}

function ofSeries(acquisition: Acquisition, status: DaemonStatus): Reason[] {
  const { account } = acquisition;
  const reasons: Reason[] = account ? [...ofAccount(account), ...ofPace(acquisition, account)] : [];
  if (acquisition.droppedByPublisher > 0n) {
    reasons.push({
      light: "trouble",
      what: `${count(acquisition.droppedByPublisher)} frames dropped by the publisher`,
      remedy: "Its queue was full: the daemon was away or too slow. Keep it running, and give the publisher more room.",
    });
  }
  if (acquisition.paused) {
    reasons.push({
      light: "attention",
      what: "Processing is paused",
      remedy: "Frames wait in the ring and are lost once it is full. Resume under Controls.",
    });
  }
  for (const warning of acquisition.warnings) {
    if (status.alarms.includes(warning)) continue;
    reasons.push({ light: "attention", what: firstClause(warning), remedy: warning });
  }
  return reasons;
}

/** A warning is a whole sentence; its beginning will do for a headline. */
function firstClause(text: string): string {
  const head = text.split(/[:;.] /)[0] ?? text;
  return head.length > 90 ? `${head.slice(0, 88)}…` : head;
}

function ofAccount(account: FrameAccount): Reason[] {
  const reasons: Reason[] = [];
  for (const [reason, frames] of Object.entries(account.lost)) {
    if (frames === 0n) continue;
    const { what, remedy } = lostWords(reason);
    reasons.push({ light: "trouble", what: `${count(frames)} frames lost: ${what}`, remedy });
  }
  for (const [cause, frames] of Object.entries(account.missing)) {
    if (frames === 0n) continue;
    const { what, remedy } = missingWords(cause);
    reasons.push({ light: "trouble", what: `${count(frames)} frames missing: ${what}`, remedy });
  }
  return reasons;
}

function ofPace(acquisition: Acquisition, account: FrameAccount): Reason[] {
  const waiting = Number(account.waiting);
  const rate = acquisition.processedFps;
  if (acquisition.state !== SeriesState.RECEIVING || acquisition.paused) return [];
  if (waiting <= WAITING_FEW || waiting <= BEHIND_S * rate) return [];
  // Before the first rate is measured nothing can be said of the time.
  if (rate < RATE_LEAST_FPS && waiting <= WAITING_MANY) return [];
  const work = rate < RATE_LEAST_FPS ? "none is processed now" : `${duration(waiting / rate)} of work`;
  return [
    {
      light: "attention",
      what: `Behind the camera: ${count(waiting)} frames wait, ${work}`,
      remedy: `They are processed after the burst, until the ring is full. ${REMEDY_WHEN_SLOW}`,
    },
  ];
}
