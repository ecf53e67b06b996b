import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { AcquisitionSchema, DaemonStatusSchema, SeriesState } from "../src/gen/blinkd/v1/acquisitions_pb";
import { lostWords, missingWords } from "../src/health/losses";
import { verdict } from "../src/health/verdict";

const GIB = 1024n ** 3n;
const status = (more: MessageInitShape<typeof DaemonStatusSchema> = {}) =>
  create(DaemonStatusSchema, { frameEndpoint: "tcp://127.0.0.1:5766", diskFreeBytes: 100n * GIB, ...more });
type Said = Exclude<MessageInitShape<typeof AcquisitionSchema>, { $typeName: string }>;
const GOOD: Said = {
  state: SeriesState.RECEIVING,
  processedFps: 100,
  account: { received: 1000n, processed: 998n, waiting: 2n },
};
const series = (more: Said = {}) => create(AcquisitionSchema, { ...GOOD, ...more });

describe("the verdict", () => {
  it("is good when every frame is kept", () => {
    expect(verdict(series(), status())).toEqual({
      light: "good",
      headline: "Recording: every frame kept",
      reasons: [],
    });
  });

  it("names every reason of a loss with its remedy", () => {
    const lost = { ring_full: 12n, engine_failed: 1n };
    const { light, headline, reasons } = verdict(series({ account: { received: 13n, lost } }), status());
    expect(light).toBe("trouble");
    expect(headline).toContain("12 frames lost");
    expect(reasons.map((reason) => reason.remedy)).toEqual([
      lostWords("ring_full").remedy,
      lostWords("engine_failed").remedy,
    ]);
  });

  it("has words for every reason that the daemon knows, and for one that it will know", () => {
    const known =
      "ring_full skipped_oldest no_ring shape_changed bad_checksum bad_compression duplicate too_late engine_failed " +
      "series_closed too_many_series slot_torn shutdown series_busy";
    const remedies = known.split(" ").map((reason) => lostWords(reason).remedy);
    expect(new Set(remedies).size).toBeGreaterThan(10);
    for (const words of [...known.split(" ").map(lostWords), missingWords("transport"), missingWords("camera")]) {
      expect(words.what).not.toBe(lostWords("of tomorrow").what);
      expect(words.remedy.length).toBeGreaterThan(15);
    }
    expect(lostWords("of tomorrow").remedy).not.toBe("");
  });

  it("tells missing frames from lost ones", () => {
    const { light, headline } = verdict(series({ account: { received: 10n, missing: { camera: 3n } } }), status());
    expect([light, headline]).toEqual(["trouble", "3 frames missing: skipped by the camera"]);
  });

  it("warns when more waits than a second's work, not of the network's stride", () => {
    const behind = { account: { received: 1000n, waiting: 500n } };
    expect(verdict(series(behind), status()).light).toBe("attention");
    expect(verdict(series(behind), status()).headline).toContain("5\u202fs of work");
    expect(verdict(series({ account: { received: 1000n, waiting: 90n } }), status()).light).toBe("good");
    expect(verdict(series({ account: { received: 100n, waiting: 100n }, processedFps: 0 }), status()).light).toBe(
      "good",
    );
    expect(verdict(series({ ...behind, processedFps: 0 }), status()).headline).toContain("none is processed");
    expect(verdict(series({ ...behind, state: SeriesState.DRAINING }), status()).light).toBe("good");
  });

  it("warns below 10 GiB of disk, and is red when the disk is full", () => {
    expect(verdict(series(), status({ diskFreeBytes: 11n * GIB })).light).toBe("good");
    expect(verdict(series(), status({ diskFreeBytes: 9n * GIB })).light).toBe("attention");
    const full = verdict(series(), status({ diskFull: true, storeDir: "/store" }));
    expect([full.light, full.headline]).toEqual(["trouble", "Disk full"]);
    expect(full.reasons[0]?.remedy).toContain("/store");
  });

  it("puts the worst first", () => {
    const { reasons } = verdict(series({ paused: true, droppedByPublisher: 4n }), status());
    expect(reasons.map((reason) => reason.light)).toEqual(["trouble", "attention"]);
  });

  it("shows an alarm once, though the series repeats it", () => {
    const alarm = "the journal cannot be written: free space";
    const { reasons } = verdict(series({ warnings: [alarm] }), status({ alarms: [alarm] }));
    expect(reasons).toHaveLength(1);
    expect(reasons[0]?.remedy).toBe("free space");
  });

  it("waits in words before the first frame", () => {
    expect(verdict(null, status()).headline).toBe("Waiting for frames on tcp://127.0.0.1:5766");
    expect(verdict(null, null).light).toBe("idle");
  });
});
