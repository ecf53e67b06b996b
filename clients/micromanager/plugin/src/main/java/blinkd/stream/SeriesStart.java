package blinkd.stream;

/** The description of a series, as {@code SeriesStart} of frames.proto; its comments say what each field means. */
public final class SeriesStart {
    public byte[] seriesId = new byte[0];
    public String name = "";
    public String source = "";
    public int gridRows;
    public int gridColumns;
    public double overlapX;
    public double overlapY;
    public OverlapUnit overlapUnit = OverlapUnit.UNSPECIFIED;
    public boolean snake;
    public int expectedTiles;
    public long expectedFrames;
    public double pixelSizeXNm;
    public double pixelSizeYNm;
    /** Micro-Manager's order, um per pixel; 6 numbers or none. */
    public double[] affineUm = new double[0];
    /** Null: the daemon's configuration says it. */
    public Calibration calibration;

    public ChannelKind channel = ChannelKind.LOCALIZATION;
    /** Of a widefield series: the localization series it belongs to; empty: not told. */
    public byte[] widefieldOf = new byte[0];
    /** Of a widefield series; null: the daemon's configuration says it. */
    public Integer widefieldSkipFrames;

    public double exposureMs;
    /** Of the camera's counts; 0: not known. */
    public int bitDepth;
    public String metadataJson = "";
    public long startUnixNs;

    /** Of {@link #overlapX} and {@link #overlapY}; in the order of the proto's numbers. */
    public enum OverlapUnit {
        UNSPECIFIED,
        UM,
        PX,
        PERCENT
    }

    /** In the order of the proto's numbers. */
    public enum ChannelKind {
        UNSPECIFIED,
        LOCALIZATION,
        WIDEFIELD
    }

    /** How counts become photons, {@code CameraCalibration} of frames.proto. */
    public static final class Calibration {
        public double offsetAdu;
        public double ePerAdu;
        public Double emGain;
        public double spuriousE;
        public double qe;
        public double readNoiseE;
    }
}
