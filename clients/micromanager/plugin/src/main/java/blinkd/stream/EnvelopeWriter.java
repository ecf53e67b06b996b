package blinkd.stream;

/**
 * Messages of the frame stream: plain values in, bytes of part 0 out.
 *
 * <p>Never: pixels (they are part 1 and stay where they are), a socket, a clock. The numbers are the field numbers of
 * frames.proto.
 */
public final class EnvelopeWriter {
    private static final int SCHEMA_VERSION = 1;

    private EnvelopeWriter() {}

    public static byte[] seriesStart(SeriesStart start) {
        ProtoWriter body = new ProtoWriter()
                .bytes(1, start.seriesId)
                .text(2, start.name)
                .text(3, start.source)
                .number(4, start.gridRows)
                .number(5, start.gridColumns)
                .real(6, start.overlapX)
                .real(7, start.overlapY)
                .number(8, start.overlapUnit.ordinal())
                .flag(9, start.snake)
                .number(10, start.expectedTiles)
                .number(11, start.expectedFrames)
                .real(12, start.pixelSizeXNm)
                .real(13, start.pixelSizeYNm)
                .reals(14, start.affineUm);
        if (start.calibration != null) {
            body.message(15, calibration(start.calibration));
        }
        body.number(16, start.channel.ordinal())
                .real(17, start.exposureMs)
                .text(18, start.metadataJson)
                .fixed64(19, start.startUnixNs)
                .bytes(20, start.widefieldOf)
                .optionalNumber(21, start.widefieldSkipFrames == null ? null : (long) start.widefieldSkipFrames)
                .number(22, start.bitDepth);
        return envelope(2, body);
    }

    private static byte[] calibration(SeriesStart.Calibration camera) {
        return new ProtoWriter()
                .real(1, camera.offsetAdu)
                .real(2, camera.ePerAdu)
                .optionalReal(3, camera.emGain)
                .real(4, camera.spuriousE)
                .real(5, camera.qe)
                .real(6, camera.readNoiseE)
                .toBytes();
    }

    public static byte[] frame(FrameHeader header) {
        return envelope(
                3,
                new ProtoWriter()
                        .bytes(1, header.seriesId)
                        .number(2, header.seq)
                        .number(3, header.tileIndex)
                        .number(4, header.tileRow)
                        .number(5, header.tileColumn)
                        .number(6, header.frameInTile)
                        .number(7, header.framesPerTile)
                        .number(8, header.widthPx)
                        .number(9, header.heightPx)
                        .number(10, header.pixelType.ordinal())
                        .number(11, header.roiXPx)
                        .number(12, header.roiYPx)
                        .number(13, header.binning)
                        .text(14, header.camera)
                        .real(15, header.exposureMs)
                        .optionalReal(16, header.stageXUm)
                        .optionalReal(17, header.stageYUm)
                        .optionalReal(18, header.stageZUm)
                        .number(19, header.positionSource.ordinal())
                        .optionalNumber(20, header.cameraImageNumber)
                        .fixed64(21, header.captureUnixNs)
                        .fixed64(22, header.sendUnixNs)
                        .number(23, header.coreQueueDepth)
                        .number(24, header.droppedTotal)
                        .number(25, header.continuity.ordinal())
                        .number(26, header.compression.ordinal())
                        .optionalFixed32(27, header.pixelsCrc32c));
    }

    public static byte[] tileEnd(byte[] seriesId, int tileIndex, long framesCaptured, long framesDropped) {
        return envelope(
                4,
                new ProtoWriter()
                        .bytes(1, seriesId)
                        .number(2, tileIndex)
                        .number(3, framesCaptured)
                        .number(4, framesDropped));
    }

    /** The end of a series with its totals. */
    public static byte[] seriesEnd(byte[] seriesId, EndReason reason, Counts counts, long lastSeq) {
        return envelope(
                5,
                new ProtoWriter()
                        .bytes(1, seriesId)
                        .number(2, reason.ordinal())
                        .number(3, counts.captured)
                        .number(4, counts.sent)
                        .number(5, counts.dropped)
                        .number(6, lastSeq));
    }

    public static byte[] heartbeat(byte[] seriesId, long sendUnixNs) {
        return envelope(6, new ProtoWriter().bytes(1, seriesId).fixed64(2, sendUnixNs));
    }

    private static byte[] envelope(int field, ProtoWriter body) {
        return new ProtoWriter().number(1, SCHEMA_VERSION).message(field, body.toBytes()).toBytes();
    }
}
