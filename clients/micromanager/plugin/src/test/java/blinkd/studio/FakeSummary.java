package blinkd.studio;

import java.util.ArrayList;
import java.util.List;
import org.micromanager.MultiStagePosition;
import org.micromanager.acquisition.SequenceSettings;
import org.micromanager.data.Coords;
import org.micromanager.data.SummaryMetadata;

/** Summary metadata; empty, as Live's, until a test says more. */
public final class FakeSummary implements SummaryMetadata {
    public final FakeCoords dimensions = new FakeCoords();
    public final List<MultiStagePosition> positions = new ArrayList<>();
    public final List<String> channels = new ArrayList<>();
    public String prefix;
    public SequenceSettings settings;
    public Double waitIntervalMs;

    /** A planned acquisition of one position. */
    public static FakeSummary burst(String prefix, int frames) {
        FakeSummary summary = new FakeSummary();
        summary.prefix = prefix;
        summary.settings = new SequenceSettings();
        summary.dimensions.set(Coords.TIME_POINT, frames);
        return summary;
    }

    /** The same at the positions of a grid, as Create Grid lists them: rows in a snake, overlap in um. */
    public static FakeSummary grid(String prefix, int frames, int rows, int columns, double stepUm) {
        FakeSummary summary = burst(prefix, frames);
        summary.dimensions.set(Coords.STAGE_POSITION, rows * columns);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < columns; i++) {
                int column = row % 2 == 0 ? i : columns - 1 - i;
                MultiStagePosition position =
                        new MultiStagePosition("XY", column * stepUm, -row * stepUm, "Z", 1.5);
                position.setGridCoordinates(row, column);
                position.setProperty("Source", "TileCreator");
                position.setProperty("OverlapUmX", "0.6912");
                position.setProperty("OverlapUmY", "0.6912");
                summary.positions.add(position);
            }
        }
        return summary;
    }

    @Override
    public String getPrefix() {
        return prefix;
    }

    @Override
    public String getMicroManagerVersion() {
        return "2.0.3 (a stub)";
    }

    @Override
    public String getStartDate() {
        return "2026-11-20 09:25:50.500 +0000";
    }

    @Override
    public String getChannelGroup() {
        return "Channel";
    }

    @Override
    public List<String> getChannelNameList() {
        return channels;
    }

    @Override
    public Double getWaitInterval() {
        return waitIntervalMs;
    }

    @Override
    public List<String> getOrderedAxes() {
        return dimensions.getAxes();
    }

    @Override
    public Coords getIntendedDimensions() {
        return dimensions;
    }

    @Override
    public List<MultiStagePosition> getStagePositionList() {
        return positions;
    }

    @Override
    public SequenceSettings getSequenceSettings() {
        return settings;
    }
}
