package blinkd.stream;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Part 0 of a message, read: what tests hold our writer against.
 *
 * <p>In: bytes. Out: one of the five kinds; BadMessage for what is none. Never: the checks of {@link Receiver}.
 */
final class Envelope {
    FrameHeader frame;
    SeriesStart start;
    /** tile_end: series id, then index, captured, dropped. */
    byte[] endedId;

    long[] tileEnd;
    /** series_end: reason, captured, sent, dropped, last seq. */
    long[] seriesEnd;
    /** heartbeat: time of sending. */
    Long heartbeatUnixNs;

    static Envelope read(byte[] part0) {
        Envelope envelope = new Envelope();
        ProtoReader in = new ProtoReader(part0);
        long version = 0;
        for (int field = in.next(); field != 0; field = in.next()) {
            switch (field) {
                case 1:
                    version = in.number();
                    break;
                case 2:
                    envelope.start = start(new ProtoReader(in.bytes()));
                    break;
                case 3:
                    envelope.frame = frame(new ProtoReader(in.bytes()));
                    break;
                case 4:
                    envelope.tileEnd = envelope.totals(new ProtoReader(in.bytes()), 3);
                    break;
                case 5:
                    envelope.seriesEnd = envelope.totals(new ProtoReader(in.bytes()), 5);
                    break;
                case 6:
                    envelope.beat(new ProtoReader(in.bytes()));
                    break;
                default:
                    in.skip();
            }
        }
        if (envelope.kind().isEmpty()) {
            throw new BadMessage("empty_message");
        }
        if (version != 1) {
            throw new BadMessage("unknown_version");
        }
        return envelope;
    }

    String kind() {
        return frame != null
                ? "frame"
                : start != null
                        ? "series_start"
                        : tileEnd != null
                                ? "tile_end"
                                : seriesEnd != null ? "series_end" : heartbeatUnixNs != null ? "heartbeat" : "";
    }

    byte[] seriesId() {
        return frame != null ? frame.seriesId : start != null ? start.seriesId : endedId;
    }

    /** The same message, written again. */
    byte[] write() {
        switch (kind()) {
            case "frame":
                return EnvelopeWriter.frame(frame);
            case "series_start":
                return EnvelopeWriter.seriesStart(start);
            case "tile_end":
                return EnvelopeWriter.tileEnd(endedId, (int) tileEnd[0], tileEnd[1], tileEnd[2]);
            case "series_end":
                Counts counts = new Counts(seriesEnd[1], seriesEnd[2], 0, seriesEnd[3]);
                return EnvelopeWriter.seriesEnd(
                        endedId, EndReason.values()[(int) seriesEnd[0]], counts, seriesEnd[4]);
            default:
                return EnvelopeWriter.heartbeat(endedId, heartbeatUnixNs);
        }
    }

    private long[] totals(ProtoReader in, int count) {
        long[] totals = new long[count];
        endedId = new byte[0];
        for (int field = in.next(); field != 0; field = in.next()) {
            if (field == 1) {
                endedId = in.bytes();
            } else if (field - 2 < count) {
                totals[field - 2] = in.number();
            } else {
                in.skip();
            }
        }
        return totals;
    }

    private void beat(ProtoReader in) {
        endedId = new byte[0];
        heartbeatUnixNs = 0L;
        for (int field = in.next(); field != 0; field = in.next()) {
            if (field == 1) {
                endedId = in.bytes();
            } else if (field == 2) {
                heartbeatUnixNs = in.fixed64();
            } else {
                in.skip();
            }
        }
    }

    private static SeriesStart start(ProtoReader in) {
        SeriesStart start = new SeriesStart();
        start.channel = SeriesStart.ChannelKind.UNSPECIFIED;
        for (int field = in.next(); field != 0; field = in.next()) {
            switch (field) {
                case 1: start.seriesId = in.bytes(); break;
                case 2: start.name = text(in); break;
                case 3: start.source = text(in); break;
                case 4: start.gridRows = (int) in.number(); break;
                case 5: start.gridColumns = (int) in.number(); break;
                case 6: start.overlapX = in.real(); break;
                case 7: start.overlapY = in.real(); break;
                case 8:
                    start.overlapUnit =
                            known(SeriesStart.OverlapUnit.values(), in.number(), "unknown_value");
                    break;
                case 9: start.snake = in.number() != 0; break;
                case 10: start.expectedTiles = (int) in.number(); break;
                case 11: start.expectedFrames = in.number(); break;
                case 12: start.pixelSizeXNm = in.real(); break;
                case 13: start.pixelSizeYNm = in.real(); break;
                case 14: start.affineUm = reals(in.bytes()); break;
                case 15: start.calibration = calibration(new ProtoReader(in.bytes())); break;
                case 16: start.channel = known(SeriesStart.ChannelKind.values(), in.number(), "unknown_value"); break;
                case 17: start.exposureMs = in.real(); break;
                case 18: start.metadataJson = text(in); break;
                case 19: start.startUnixNs = in.fixed64(); break;
                case 20: start.widefieldOf = in.bytes(); break;
                case 21: start.widefieldSkipFrames = (int) in.number(); break;
                case 22: start.bitDepth = (int) in.number(); break;
                default: in.skip();
            }
        }
        return start;
    }

    private static SeriesStart.Calibration calibration(ProtoReader in) {
        SeriesStart.Calibration camera = new SeriesStart.Calibration();
        for (int field = in.next(); field != 0; field = in.next()) {
            switch (field) {
                case 1: camera.offsetAdu = in.real(); break;
                case 2: camera.ePerAdu = in.real(); break;
                case 3: camera.emGain = in.real(); break;
                case 4: camera.spuriousE = in.real(); break;
                case 5: camera.qe = in.real(); break;
                case 6: camera.readNoiseE = in.real(); break;
                default: in.skip();
            }
        }
        return camera;
    }

    private static FrameHeader frame(ProtoReader in) {
        FrameHeader header = new FrameHeader();
        header.binning = 0;
        header.continuity = FrameHeader.Continuity.UNSPECIFIED;
        header.compression = FrameHeader.Compression.UNSPECIFIED;
        for (int field = in.next(); field != 0; field = in.next()) {
            if (field <= 14) {
                place(header, field, in);
            } else {
                moment(header, field, in);
            }
        }
        return header;
    }

    private static void place(FrameHeader header, int field, ProtoReader in) {
        switch (field) {
            case 1: header.seriesId = in.bytes(); break;
            case 2: header.seq = in.number(); break;
            case 3: header.tileIndex = (int) in.number(); break;
            case 4: header.tileRow = (int) in.number(); break;
            case 5: header.tileColumn = (int) in.number(); break;
            case 6: header.frameInTile = (int) in.number(); break;
            case 7: header.framesPerTile = (int) in.number(); break;
            case 8: header.widthPx = (int) in.number(); break;
            case 9: header.heightPx = (int) in.number(); break;
            case 10:
                header.pixelType =
                        known(FrameHeader.PixelType.values(), in.number(), "unknown_pixel_type");
                break;
            case 11: header.roiXPx = (int) in.number(); break;
            case 12: header.roiYPx = (int) in.number(); break;
            case 13: header.binning = (int) in.number(); break;
            default: header.camera = text(in);
        }
    }

    private static void moment(FrameHeader header, int field, ProtoReader in) {
        switch (field) {
            case 15: header.exposureMs = in.real(); break;
            case 16: header.stageXUm = in.real(); break;
            case 17: header.stageYUm = in.real(); break;
            case 18: header.stageZUm = in.real(); break;
            case 19:
                header.positionSource =
                        known(FrameHeader.PositionSource.values(), in.number(), "unknown_value");
                break;
            case 20: header.cameraImageNumber = in.number(); break;
            case 21: header.captureUnixNs = in.fixed64(); break;
            case 22: header.sendUnixNs = in.fixed64(); break;
            case 23: header.coreQueueDepth = (int) in.number(); break;
            case 24: header.droppedTotal = in.number(); break;
            case 25: header.continuity = known(FrameHeader.Continuity.values(), in.number(), "unknown_value"); break;
            case 26:
                header.compression =
                        known(FrameHeader.Compression.values(), in.number(), "unknown_compression");
                break;
            case 27: header.pixelsCrc32c = in.fixed32(); break;
            default: in.skip();
        }
    }

    private static <E> E known(E[] values, long number, String otherwise) {
        if (number < 0 || number >= values.length) {
            throw new BadMessage(otherwise);
        }
        return values[(int) number];
    }

    private static String text(ProtoReader in) {
        return new String(in.bytes(), StandardCharsets.UTF_8);
    }

    private static double[] reals(byte[] packed) {
        double[] values = new double[packed.length / 8];
        ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
        return values;
    }
}
