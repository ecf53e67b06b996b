package blinkd.micromanager;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.micromanager.MultiStagePosition;
import org.micromanager.StagePosition;

/**
 * The position list as a grid of tiles.
 *
 * <p>In: positions with grid row and column, as Create Grid of the Stage Position List makes them. Out: place and stage
 * position of each, rows, columns, overlap, whether the scan runs in a snake. A list that is no grid (two positions on
 * one place) has 0 rows and columns. Never: a row or column guessed from a stage position, as the stage's axes may be
 * turned against the camera's.
 */
final class PositionGrid {
    final int rows;
    final int columns;
    final double overlapXUm;
    final double overlapYUm;
    final boolean snake;

    private final List<MultiStagePosition> positions;

    PositionGrid(List<MultiStagePosition> positions) {
        this.positions = positions;
        int lastRow = 0;
        int lastColumn = 0;
        Set<Long> places = new HashSet<>();
        for (MultiStagePosition position : positions) {
            lastRow = Math.max(lastRow, position.getGridRow());
            lastColumn = Math.max(lastColumn, position.getGridColumn());
            places.add((long) position.getGridRow() << 32 | position.getGridColumn());
        }
        boolean grid = !positions.isEmpty() && places.size() == positions.size();
        rows = grid ? lastRow + 1 : 0;
        columns = grid ? lastColumn + 1 : 0;
        snake = grid && rows > 1 && columns > 1 && runsInSnake();
        overlapXUm = positions.isEmpty() ? 0 : overlap(positions.get(0), "OverlapUmX");
        overlapYUm = positions.isEmpty() ? 0 : overlap(positions.get(0), "OverlapUmY");
    }

    int row(int index) {
        return rows > 0 && index < positions.size() ? positions.get(index).getGridRow() : 0;
    }

    int column(int index) {
        return columns > 0 && index < positions.size() ? positions.get(index).getGridColumn() : 0;
    }

    /** {x, y} in um; null: the list does not say. */
    double[] xyUm(int index) {
        StagePosition stage = stage(index, true);
        return stage == null ? null : new double[] {stage.get2DPositionX(), stage.get2DPositionY()};
    }

    /** Focus in um; null: the list does not say. */
    Double zUm(int index) {
        StagePosition stage = stage(index, false);
        return stage == null ? null : stage.get1DPosition();
    }

    private StagePosition stage(int index, boolean xy) {
        if (index >= positions.size()) {
            return null;
        }
        MultiStagePosition position = positions.get(index);
        String label = xy ? position.getDefaultXYStage() : position.getDefaultZStage();
        return label == null || label.isEmpty() ? null : position.get(label);
    }

    /** A row after the first begins in the column where the row before ended. */
    private boolean runsInSnake() {
        for (int i = 1; i < positions.size(); i++) {
            MultiStagePosition before = positions.get(i - 1);
            MultiStagePosition now = positions.get(i);
            if (before.getGridRow() != now.getGridRow()) {
                return before.getGridColumn() == now.getGridColumn();
            }
        }
        return false;
    }

    /** The tile creator writes one number where both overlaps are the same. */
    private static double overlap(MultiStagePosition position, String key) {
        String text = position.getProperty(key);
        if (text == null) {
            text = position.getProperty("OverlapUm");
        }
        try {
            double um = text == null ? 0 : Double.parseDouble(text);
            return um > 0 && !Double.isInfinite(um) ? um : 0;
        } catch (NumberFormatException noNumber) {
            return 0;
        }
    }
}
