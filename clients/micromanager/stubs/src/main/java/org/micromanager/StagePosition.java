package org.micromanager;

/** Where one stage is, um. */
public class StagePosition {
    private final String stage;
    private final double[] um;

    private StagePosition(String stage, double... um) {
        this.stage = stage;
        this.um = um;
    }

    public static StagePosition create1D(String stage, double z) {
        return new StagePosition(stage, z);
    }

    public static StagePosition create2D(String stage, double x, double y) {
        return new StagePosition(stage, x, y);
    }

    public String getStageDeviceLabel() {
        return stage;
    }

    public double get1DPosition() {
        return um[0];
    }

    public double get2DPositionX() {
        return um[0];
    }

    public double get2DPositionY() {
        return um[1];
    }
}
