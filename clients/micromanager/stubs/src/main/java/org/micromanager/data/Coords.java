package org.micromanager.data;

import java.util.List;

/** Where an image stands on the axes of its acquisition. */
public interface Coords {
    String TIME_POINT = "time";
    String STAGE_POSITION = "position";
    String Z_SLICE = "z";
    String CHANNEL = "channel";

    int getIndex(String axis);

    List<String> getAxes();
}
