package org.micromanager;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One entry of the position list. */
public final class MultiStagePosition {
    private final List<StagePosition> stages = new ArrayList<>();
    private final Map<String, String> properties = new HashMap<>();
    private String defaultXyStage = "";
    private String defaultZStage = "";
    private int row;
    private int column;

    public MultiStagePosition() {}

    public MultiStagePosition(String xyStage, double x, double y, String zStage, double z) {
        defaultXyStage = xyStage;
        defaultZStage = zStage;
        stages.add(StagePosition.create2D(xyStage, x, y));
        stages.add(StagePosition.create1D(zStage, z));
    }

    public void add(StagePosition stage) {
        stages.add(stage);
    }

    public StagePosition get(String stage) {
        return stages.stream().filter(one -> one.getStageDeviceLabel().equals(stage)).findFirst().orElse(null);
    }

    public void setProperty(String key, String value) {
        properties.put(key, value);
    }

    public String getProperty(String key) {
        return properties.get(key);
    }

    public String getDefaultXYStage() {
        return defaultXyStage;
    }

    public void setDefaultXYStage(String stage) {
        defaultXyStage = stage;
    }

    public String getDefaultZStage() {
        return defaultZStage;
    }

    public void setGridCoordinates(int row, int column) {
        this.row = row;
        this.column = column;
    }

    public int getGridRow() {
        return row;
    }

    public int getGridColumn() {
        return column;
    }
}
