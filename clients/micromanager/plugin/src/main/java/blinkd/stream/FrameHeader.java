package blinkd.stream;

/** What is sent before a frame's pixels, as {@code FrameHeader} of frames.proto; null is not known. */
public final class FrameHeader {
    public byte[] seriesId = new byte[0];
    public long seq;
    public int tileIndex;
    public int tileRow;
    public int tileColumn;
    public int frameInTile;
    public int framesPerTile;
    public int widthPx;
    public int heightPx;
    public PixelType pixelType = PixelType.UNSPECIFIED;
    public int roiXPx;
    public int roiYPx;
    public int binning = 1;
    public String camera = "";
    public double exposureMs;
    public Double stageXUm;
    public Double stageYUm;
    public Double stageZUm;
    public PositionSource positionSource = PositionSource.UNSPECIFIED;
    /** The core's own count within a burst. */
    public Long cameraImageNumber;

    public long captureUnixNs;
    public long sendUnixNs;
    public int coreQueueDepth;
    public long droppedTotal;
    public Continuity continuity = Continuity.BURST;
    public Compression compression = Compression.RAW;
    public Integer pixelsCrc32c;

    /** In the order of the proto's numbers. */
    public enum PixelType {
        UNSPECIFIED,
        U8,
        U16
    }

    /** In the order of the proto's numbers. */
    public enum PositionSource {
        UNSPECIFIED,
        INTENDED,
        MEASURED
    }

    /** In the order of the proto's numbers. */
    public enum Continuity {
        UNSPECIFIED,
        BURST,
        LIVE_SAMPLED
    }

    /** In the order of the proto's numbers. */
    public enum Compression {
        UNSPECIFIED,
        RAW,
        LZ4,
        ZSTD
    }
}
