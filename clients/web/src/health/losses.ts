// What each way of losing frames means, and what helps. Pure.
// In: the daemon's name for a reason. Out: words. Never: a reason without a remedy.

export interface Words {
  readonly what: string;
  readonly remedy: string;
}

const SLOWER =
  "Take a smaller region of interest or a longer exposure, choose a leaner model, or give the ring more memory (ring.mib).";

const LOST: Readonly<Record<string, Words>> = {
  ring_full: { what: "the ring was full", remedy: SLOWER },
  skipped_oldest: {
    what: "they made room for newer ones",
    remedy: `${SLOWER} ring.policy = "lossless" keeps the oldest instead.`,
  },
  no_ring: {
    what: "no ring could be made",
    remedy: "Free memory or disk in ring.dir, or lower ring.mib.",
  },
  shape_changed: {
    what: "of another size than the first",
    remedy: "Begin a new series after changing the region of interest or the binning.",
  },
  bad_checksum: {
    what: "damaged on the way",
    remedy: "Check cable, switch and memory between the camera's computer and this one.",
  },
  bad_compression: { what: "they did not decompress", remedy: "Update the publisher, or send frames raw." },
  duplicate: { what: "they had come before", remedy: "Run one publisher per camera." },
  too_late: { what: "they came after later ones", remedy: "Run one publisher per camera, and let it send in order." },
  engine_failed: {
    what: "the network failed on them",
    remedy: 'Look into the daemon\'s log; model.provider = "cpu" leaves the GPU out.',
  },
  series_closed: {
    what: "they came after the end",
    remedy: "Begin a new series, or raise frames.idle_close_s when the camera pauses for long.",
  },
  too_many_series: {
    what: "one series too many at once",
    remedy: "End series that are no longer used, or raise frames.max_series.",
  },
  slot_torn: { what: "torn when the daemon was killed", remedy: "Stop the daemon with Ctrl-C or SIGTERM." },
  shutdown: { what: "they waited when the daemon stopped", remedy: "Raise serve.drain_s." },
  series_busy: {
    what: "a second publisher sent them",
    remedy: "Run one publisher per series.",
  },
};

const MISSING: Readonly<Record<string, Words>> = {
  transport: {
    what: "sent and never received",
    remedy:
      "The daemon was away, or the publisher's queue was full: keep the daemon running, give the publisher more room.",
  },
  camera: {
    what: "skipped by the camera",
    remedy: "Enlarge the camera's or Micro-Manager's buffer, or take a smaller region of interest.",
  },
};

const UNKNOWN: Words = { what: "for another reason", remedy: "Look into the daemon's log." };

export const lostWords = (reason: string): Words => LOST[reason] ?? UNKNOWN;
export const missingWords = (cause: string): Words => MISSING[cause] ?? UNKNOWN;
export { SLOWER as REMEDY_WHEN_SLOW };
