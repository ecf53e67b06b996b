package blinkd.micromanager;

import blinkd.stream.SeriesStart;
import blinkd.stream.Tile;
import java.util.Collections;
import java.util.List;
import org.micromanager.MultiStagePosition;
import org.micromanager.data.Coords;
import org.micromanager.data.SummaryMetadata;

/**
 * What is known of an acquisition before its first image.
 *
 * <p>In: summary metadata, null for none. Out: what a series says of itself before its camera is known, and its tiles.
 * Never: an exception for something that the metadata does not say.
 */
final class Plan {
    /** An acquisition with dimensions, as MDA makes it. Snap and Live have none: their frames are samples. */
    final boolean planned;

    final PositionGrid grid;
    final long framesPerTile;
    final int tiles;

    /** From the start of one time point to that of the next; 0: as fast as it goes. */
    private final double intervalMs;

    private final SummaryMetadata summary;
    private final List<String> channelNames;

    Plan(SummaryMetadata summary) {
        this.summary = summary;
        Coords dimensions = summary == null ? null : summary.getIntendedDimensions();
        List<MultiStagePosition> listed = summary == null ? null : summary.getStagePositionList();
        List<MultiStagePosition> positions = listed == null ? Collections.emptyList() : listed;
        boolean hasDimensions = dimensions != null && !dimensions.getAxes().isEmpty();
        planned = hasDimensions || hasSettings(summary);
        tiles = hasDimensions ? length(dimensions, Coords.STAGE_POSITION) : positions.size();
        framesPerTile = hasDimensions
                ? (long) length(dimensions, Coords.TIME_POINT) * length(dimensions, Coords.Z_SLICE)
                : 0;
        // A list of another length was not used for this acquisition.
        grid = new PositionGrid(positions.size() == tiles ? positions : Collections.emptyList());
        Double interval = summary == null ? null : summary.getWaitInterval();
        intervalMs = interval == null ? 0 : interval;
        List<String> names = summary == null ? null : summary.getChannelNameList();
        channelNames = names == null ? Collections.emptyList() : names;
    }

    /** Whether frames of this exposure do not follow one another in time. */
    boolean isSampled(double exposureMs) {
        return !planned || intervalMs > exposureMs;
    }

    /** Of one camera and channel; 0: not known. */
    long expectedFrames() {
        return framesPerTile * tiles;
    }

    Tile tile(int index) {
        return new Tile(index, grid.row(index), grid.column(index), (int) Math.min(framesPerTile, Integer.MAX_VALUE));
    }

    void describe(SeriesStart start, String pluginVersion, int channel) {
        start.name = name(channel);
        start.source = "Micro-Manager plugin " + pluginVersion;
        start.expectedTiles = tiles;
        start.expectedFrames = expectedFrames();
        if (tiles > 1) {
            start.gridRows = grid.rows;
            start.gridColumns = grid.columns;
            start.snake = grid.snake;
            if (grid.overlapXUm > 0 || grid.overlapYUm > 0) {
                start.overlapX = grid.overlapXUm;
                start.overlapY = grid.overlapYUm;
                start.overlapUnit = SeriesStart.OverlapUnit.UM;
            }
        }
        if (summary != null) {
            start.metadataJson = SummaryJson.of(summary);
            String version = summary.getMicroManagerVersion();
            start.source += version == null ? "" : ", Micro-Manager " + version;
        }
    }

    private String name(int channel) {
        String prefix = summary == null ? null : summary.getPrefix();
        String name = prefix != null && !prefix.isEmpty() ? prefix : planned ? "Micro-Manager" : "Snap/Live";
        boolean several = channelNames.size() > 1 && channel < channelNames.size();
        return several ? name + " " + channelNames.get(channel) : name;
    }

    private static int length(Coords dimensions, String axis) {
        return Math.max(dimensions.getIndex(axis), 1);
    }

    private static boolean hasSettings(SummaryMetadata summary) {
        try {
            return summary != null && summary.getSequenceSettings() != null;
        } catch (LinkageError older) {
            return false; // a Micro-Manager from before these were kept
        }
    }
}
